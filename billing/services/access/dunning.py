"""Tell an organization's administrators what becomes of their subscription: each stage once, by the clock.

A stage is a row with its mails, written together. Whoever looks first writes it - the message of the gateway
that brought it about, or the timer for those that only time brings - so a killed worker leaves both or
neither, and running twice changes nothing. After a pause only the last of several stages is mailed, since it
says what holds now; the others are kept as told.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import DatabaseError
from django.db.models import Q

from billing.enums import CLAIMABLE, OVER, DunningStage, SubscriptionStatus
from billing.models import DunningNotice, Subscription
from billing.selectors.access import BEHIND, no_new_seats_from, open_invoice
from billing.services.access.dunning_mails import do_mail_stage
from shared_apps.core import clock
from shared_apps.core.transactions import entry_transaction, require_transaction
from tenants.enums import OPEN_STATES, OrganizationState
from tenants.models import Organization

log = structlog.get_logger(__name__)

# Stages of one debt, of which the last that was reached is mailed.
_OF_A_DEBT = (
    DunningStage.PAYMENT_FAILED,
    DunningStage.NO_NEW_SEATS,
    DunningStage.REMINDER,
    DunningStage.READ_ONLY,
)
# The invoice may be seen a moment after the subscription; a mail without it would name no amount.
_WAIT_FOR_INVOICE = timedelta(minutes=5)
# An end that we hear of later than this is no news.
_END_IS_NEWS = timedelta(days=3)
_ANSWERING = (*OPEN_STATES, OrganizationState.SUSPENDED)


@dataclass(frozen=True, slots=True)
class Stage:
    """One thing to tell.

    Attributes:
        since: what it is about: the begin of the debt, the end of the trial or the subscription.
        due_at: when it is told.
    """

    name: DunningStage
    since: datetime
    due_at: datetime


def run_dunning() -> int:
    """Tell what time alone has brought about; return how many stages. Safe to run twice and after a pause."""
    told = 0
    for subscription_id in _candidates():
        try:
            with entry_transaction():
                row = Subscription.objects.select_for_update(no_key=True).get(id=subscription_id)
                told += do_tell_stages(row)
        except DatabaseError:
            # One row's trouble must not silence the others; it comes again with the next run.
            log.exception("dunning_failed", subscription=str(subscription_id))
    return told


def do_tell_stages(subscription: Subscription) -> int:
    """Write and mail the stages that a locked subscription has reached and nobody was told of; return how
    many. Needs an open transaction."""
    require_transaction()
    if subscription.gateway_ref is None or not _is_answering(subscription.organization_id):
        return 0
    now = clock.now()
    known = {(row.stage, row.since) for row in DunningNotice.objects.filter(subscription=subscription)}
    due = [stage for stage in _stages(subscription, known, now) if stage.due_at <= now]
    new = [stage for stage in due if (stage.name, stage.since) not in known]
    of_debt = [stage for stage in new if stage.name in _OF_A_DEBT]
    for stage in new:
        notice = DunningNotice.objects.create(
            organization_id=subscription.organization_id,
            subscription=subscription,
            since=stage.since,
            stage=stage.name,
        )
        if stage not in of_debt or stage is of_debt[-1]:
            do_mail_stage(notice, subscription)
        log.info("dunning_stage", stage=str(stage.name), organization=str(subscription.organization_id))
    return len(new)


def stages_that_return(subscription: Subscription, now: datetime) -> list[str]:
    """Return the stages of the debt that are still to come at `now`, as the subscription stands: told of an
    earlier end of the grace, they are told again."""
    return [str(stage.name) for stage in _debt_stages(subscription) if stage.due_at > now]


def _candidates() -> list[uuid.UUID]:
    soon = clock.now() + timedelta(days=settings.DUNNING_REMIND_BEFORE)
    rows = Subscription.objects.exclude(gateway_ref=None).filter(
        Q(status__in=BEHIND)
        | Q(status=SubscriptionStatus.TRIALING, trial_ends_at__lte=soon)
        | (Q(cancels_at__lte=soon) & ~Q(status__in=OVER))
    )
    return list(rows.order_by("id").values_list("id", flat=True))


def _stages(subscription: Subscription, known: set[tuple[str, datetime]], now: datetime) -> list[Stage]:
    """Return what there is to tell, debts in the order of their stages."""
    if subscription.status in BEHIND:
        found = _debt_stages(subscription)
        is_fresh = now < (subscription.past_due_since or now) + _WAIT_FOR_INVOICE
        if is_fresh and open_invoice(subscription) is None:
            return []
        return found
    before = timedelta(days=settings.DUNNING_REMIND_BEFORE)
    found = []
    if subscription.status in CLAIMABLE:
        found += [Stage(DunningStage.RECOVERED, since, now) for since in _unsettled(known)]
    if subscription.status in OVER:
        ended = subscription.canceled_at
        if subscription.status == SubscriptionStatus.CANCELED and ended and now - ended < _END_IS_NEWS:
            found.append(Stage(DunningStage.CANCELED, ended, ended))
    elif subscription.cancels_at is not None:
        found.append(Stage(DunningStage.ENDING, subscription.cancels_at, subscription.cancels_at - before))
    elif subscription.status == SubscriptionStatus.TRIALING and subscription.trial_ends_at is not None:
        ends = subscription.trial_ends_at
        found.append(Stage(DunningStage.TRIAL_ENDING, ends, ends - before))
    return found


def _debt_stages(subscription: Subscription) -> list[Stage]:
    since, ends = subscription.past_due_since, subscription.grace_until
    if since is None or ends is None:
        return []
    reminds = ends - timedelta(days=settings.DUNNING_REMIND_BEFORE)
    stages = [
        Stage(DunningStage.PAYMENT_FAILED, since, since),
        Stage(DunningStage.NO_NEW_SEATS, since, no_new_seats_from(subscription) or ends),
        Stage(DunningStage.READ_ONLY, since, ends),
    ]
    if reminds > since:
        stages.append(Stage(DunningStage.REMINDER, since, reminds))
    return sorted(stages, key=lambda stage: stage.due_at)


def _unsettled(known: set[tuple[str, datetime]]) -> list[datetime]:
    """Return the begins of debts that were told and whose end was not."""
    begun = {since for stage, since in known if stage in _OF_A_DEBT}
    settled = {since for stage, since in known if stage == DunningStage.RECOVERED}
    return sorted(begun - settled)


def _is_answering(organization_id: uuid.UUID) -> bool:
    return Organization.objects.filter(id=organization_id, state__in=_ANSWERING).exists()
