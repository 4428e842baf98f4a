"""Let an organization's access follow its subscription, extend a grace, end the seats of one that is over."""

import uuid
from datetime import datetime, timedelta

import structlog
from django.conf import settings

from billing.enums import CLAIMABLE, OVER, SeatState, SubscriptionStatus
from billing.errors import GraceOutOfRange, NothingOwed
from billing.models import DunningNotice, SeatAssignment, Subscription
from billing.policies import SUBSCRIPTIONS_MANAGE
from billing.selectors.access import BEHIND, find_ruling_subscription
from billing.services.access.dunning import do_tell_stages, stages_that_return
from billing.services.seats.rows import end_holdings, holders, insert_holdings
from shared_apps.accounts.selectors.seat_holders import may_hold_seats
from shared_apps.audit.services import do_record
from shared_apps.core import clock
from shared_apps.core.actors import Actor, system_actor
from shared_apps.core.errors import NotFound
from shared_apps.core.policies import require
from shared_apps.core.transactions import entry_transaction, require_transaction
from tenants.models import Organization
from tenants.services.organizations import do_change_facts, get_locked

log = structlog.get_logger(__name__)

_JOB = system_actor("billing.access")
_LONGEST_GRACE = timedelta(days=90)
_OVER_REASON = "subscription ended"


# --- Entry services ----------------------------------------------------------------------------


def extend_grace(
    *, actor: Actor, subscription_id: uuid.UUID, until: datetime, note: str = ""
) -> Subscription:
    """Let everything but new seats go on until then although something is owed; ended graces open again.

    Args:
        until: the new end, at most 90 days from now; earlier than the present one shortens it.
        note: why, for the audit log.

    Raises:
        NotFound: no such subscription.
        NothingOwed: it is neither past due nor unpaid, or an operator gave it.
        GraceOutOfRange: `until` is not between now and the latest; facts `latest`.
    """
    with entry_transaction():
        require(actor, SUBSCRIPTIONS_MANAGE)
        subscription = Subscription.objects.select_for_update(no_key=True).filter(id=subscription_id).first()
        if subscription is None:
            raise NotFound(subscription=str(subscription_id))
        since = subscription.past_due_since
        if subscription.status not in BEHIND or subscription.gateway_ref is None or since is None:
            raise NothingOwed(status=subscription.status)
        now = clock.now()
        if not now < until <= now + _LONGEST_GRACE:
            raise GraceOutOfRange(field="until", latest=(now + _LONGEST_GRACE).isoformat())
        before = subscription.grace_until
        subscription.grace_until = until
        subscription.save_fields("grace_until")
        # What was told of the old end is told again of the new one.
        DunningNotice.objects.filter(
            subscription=subscription,
            since=since,
            stage__in=stages_that_return(subscription, now),
        ).delete()
        do_record(
            actor=actor,
            action="subscriptions.extend_grace",
            organization_id=subscription.organization_id,
            target=subscription,
            changes={"grace_until": [before and before.isoformat(), until.isoformat()], "note": note},
        )
        do_follow_access(subscription, status_before=subscription.status)
    return subscription


def end_kept_seats() -> int:
    """Revoke what people hold of subscriptions that are over for SEATS_KEPT_DAYS; return how many seats.

    The rows stay as history."""
    limit = clock.now() - timedelta(days=settings.SEATS_KEPT_DAYS)
    kept = SeatAssignment.objects.exclude(state=SeatState.REVOKED).filter(
        subscription__status__in=OVER, subscription__canceled_at__lte=limit
    )
    ended = 0
    for subscription_id in list(kept.order_by().values_list("subscription_id", flat=True).distinct()):
        with entry_transaction():
            subscription = Subscription.objects.select_for_update(no_key=True).get(id=subscription_id)
            ended += do_end_seats_of(subscription)
    return ended


# --- Steps -------------------------------------------------------------------------------------


def do_follow_access(subscription: Subscription, *, status_before: str = "") -> None:
    """Bring grace, access and seats of the organization to its locked subscription, and tell what is new.

    Called whenever a subscription was written, whatever by. Needs an open transaction.

    Args:
        status_before: its status before it was written; empty for a new one.
    """
    require_transaction()
    _set_grace(subscription, status_before)
    organization = get_locked(subscription.organization_id)
    ruling = find_ruling_subscription(organization_id=subscription.organization_id)
    do_change_facts(organization, _instants(organization, ruling))
    if subscription.status in CLAIMABLE:
        do_carry_seats(subscription)
    do_tell_stages(subscription)


def do_follow_invoice(subscription: Subscription) -> None:
    """Look again at a locked subscription one of whose invoices was written: what is owed may now be named in
    a mail, and a subscription that is over may turn out to have been paid for. Needs an open transaction."""
    if subscription.status in BEHIND or subscription.status in OVER:
        do_follow_access(subscription, status_before=subscription.status)


def do_carry_seats(subscription: Subscription) -> int:
    """Give those who kept a seat of a former subscription one of this, the longest-standing first, as far as
    there are seats; return how many got one. The old holdings end, as history."""
    require_transaction()
    kept = list(
        SeatAssignment.objects.select_for_update(of=("self",))
        .filter(organization_id=subscription.organization_id, subscription__status__in=OVER)
        .exclude(state=SeatState.REVOKED)
        .order_by("created_at", "id")
    )
    if not kept:
        return 0
    end_holdings(None, kept, actor=_JOB, reason=_OVER_REASON, ending="")
    subscription.refresh_from_db(fields=["used"])
    members = list(dict.fromkeys(seat.membership_id for seat in kept))
    joined = may_hold_seats(organization_id=subscription.organization_id, membership_ids=members)
    have_one = holders(subscription, members)
    staying = [member for member in members if member in joined and member not in have_one]
    staying = staying[: max(0, subscription.free)]
    insert_holdings(subscription, {member: joined[member] for member in staying}, actor=_JOB)
    do_record(
        actor=_JOB,
        action="seats.carry_over",
        organization_id=subscription.organization_id,
        target=subscription,
        changes={"given": [str(member) for member in staying], "ended": len(members) - len(staying)},
    )
    return len(staying)


def do_end_seats_of(subscription: Subscription) -> int:
    """Revoke all that is held under a locked subscription; return how many seats."""
    require_transaction()
    live = list(SeatAssignment.objects.filter(subscription=subscription).exclude(state=SeatState.REVOKED))
    if live:
        end_holdings(subscription, live, actor=_JOB, reason=_OVER_REASON, ending="")
        do_record(
            actor=_JOB,
            action="seats.end_kept",
            organization_id=subscription.organization_id,
            target=subscription,
            changes={"ended": len(live)},
        )
    return len(live)


# --- Inside ------------------------------------------------------------------------------------


def _set_grace(subscription: Subscription, status_before: str) -> None:
    """A debt has a grace of GRACE_DAYS. The gateway giving up ends it at once, unless an operator made it
    longer: then their word counts."""
    before = subscription.grace_until
    if subscription.gateway_ref is None or subscription.status not in BEHIND:
        subscription.grace_until = None
    else:
        now = clock.now()
        usual = (subscription.past_due_since or now) + timedelta(days=settings.GRACE_DAYS)
        if subscription.grace_until is None:
            subscription.grace_until = now if subscription.status == SubscriptionStatus.UNPAID else usual
        elif _gave_up(subscription, status_before) and subscription.grace_until <= usual:
            subscription.grace_until = min(subscription.grace_until, now)
    if subscription.grace_until != before:
        subscription.save_fields("grace_until")


def _gave_up(subscription: Subscription, status_before: str) -> bool:
    return subscription.status == SubscriptionStatus.UNPAID and status_before != SubscriptionStatus.UNPAID


def _instants(organization: Organization, ruling: Subscription | None) -> dict[str, datetime | None]:
    """Return from when the organization can only be read, and from when it is closed."""
    read_only, closed = None, None
    if ruling is not None and ruling.gateway_ref is not None:
        now = clock.now()
        if ruling.status in BEHIND:
            read_only = ruling.grace_until or now
        elif ruling.status == SubscriptionStatus.PAUSED:
            since = organization.read_only_from
            read_only = since if since is not None and since <= now else now
        elif ruling.status in OVER:
            closed = ruling.canceled_at or now
    return {"read_only_from": read_only, "closed_from": closed}
