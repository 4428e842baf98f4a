"""The page on which a sign-up is paid, and the end of a sign-up that is not."""

import uuid
from datetime import datetime
from typing import Any

import structlog
from django.conf import settings

from billing.enums import Interval
from billing.services.customers.checkouts import start_sign_up_checkout
from billing.services.customers.sign_up_purchases import close_pages, newest_page
from shared_apps.audit.services import do_record
from shared_apps.core import clock
from shared_apps.core.actors import Actor, system_actor
from shared_apps.core.errors import NotFound
from shared_apps.core.policies import require
from shared_apps.core.transactions import entry_transaction, require_transaction
from shared_apps.onboarding.enums import UNPAID_SIGN_UPS, SignUpStatus
from shared_apps.onboarding.errors import (
    SignUpClosing,
    SignUpNotVerified,
    SignUpOver,
    SignUpPaid,
    SignUpTrialUsed,
)
from shared_apps.onboarding.models import SignUp
from shared_apps.onboarding.policies import SIGN_UP, SIGN_UPS_MANAGE
from shared_apps.onboarding.services.sign_up_mails import page_of
from shared_apps.onboarding.services.sign_up_provisioning import follow_sign_up
from shared_apps.onboarding.services.sign_ups import (
    do_count_trial_days,
    do_open,
    do_release_names,
    offer_of,
)

log = structlog.get_logger(__name__)

_JOB = system_actor("onboarding.sweep_sign_ups")
# What may be wished anew with the page.
CHANGEABLE = frozenset({"plan_code", "interval", "currency", "seats", "card_later"})


def open_sign_up_page(
    *, actor: Actor, sign_up_id: uuid.UUID, secret: str | None, changes: dict[str, Any]
) -> SignUp:
    """Open the gateway's page on which the sign-up is paid, or its trial begun; the same wish again gives the
    page that is open.

    Args:
        changes: any of CHANGEABLE, instead of what was wished before.

    Raises:
        NotFound: no such sign-up, or not with this secret.
        SignUpNotVerified, SignUpOver, SignUpPaid, SignUpClosing: not now.
        PaymentsNotSetUp, PriceNotOffered, PlanNotOffered, SeatsOutsidePlan: it is not sold so.
        SignUpTrialUsed: a trial was shown, and there is none any more.
        GatewayUnavailable: no page; the same call may be repeated.
    """
    require(actor, SIGN_UP)
    with entry_transaction():
        row = do_open(sign_up_id, secret)
        _check(row)
        shown = row.trial_days
        for name in CHANGEABLE & set(changes):
            setattr(row, name, changes[name])
        offer = offer_of(row)
        row.trial_days = do_count_trial_days(row)
        has_lost_trial = bool(shown and offer.trial_days and not row.trial_days)
        if not has_lost_trial:
            row.status = SignUpStatus.PAYING
        row.save_fields("status", "trial_days", *CHANGEABLE)
    if has_lost_trial:
        # Written down before it is refused: who asks again knows that there is none.
        raise SignUpTrialUsed(trial_days=shown)
    page = start_sign_up_checkout(
        sign_up_id=row.id,
        name=row.name,
        email=row.email,
        plan_code=row.plan_code,
        interval=Interval(row.interval),
        currency=row.currency,
        seats=row.seats,
        with_card=not row.card_later,
        with_trial=bool(row.trial_days),
        success_url=page_of(row, paid="1"),
        cancel_url=page_of(row),
    )
    with entry_transaction():
        row = do_open(sign_up_id, secret)
        if row.status == SignUpStatus.PAYING:
            row.expires_at = max(row.expires_at, _end_after(row, page.expires_at))
            row.save_fields("expires_at")
    return row


def cancel_sign_up(*, actor: Actor, sign_up_id: uuid.UUID) -> SignUp:
    """End a sign-up that is not paid, as an operator: its page is closed and its names are free.

    Raises:
        NotFound: there is none.
        SignUpOver, SignUpPaid: too late.
        GatewayUnavailable: its page may still be open; try again.
    """
    require(actor, SIGN_UPS_MANAGE)
    with entry_transaction():
        row = SignUp.objects.select_for_update(no_key=True).filter(id=sign_up_id).first()
        if row is None:
            raise NotFound(sign_up=str(sign_up_id))
        _refuse_ended(row)
        _do_begin_end(row)
    row = _end(row.id, actor, SignUpStatus.CANCELED)
    if row.status != SignUpStatus.CANCELED:
        raise SignUpPaid(status=row.status)
    return row


def expire_sign_up(*, sign_up_id: uuid.UUID) -> SignUp | None:
    """End a sign-up whose time is over. One that turns out to be paid goes on; None where none is due.

    Raises:
        GatewayUnavailable: its page may still be open; the next sweep asks again.
    """
    with entry_transaction():
        row = SignUp.objects.select_for_update(no_key=True).filter(id=sign_up_id).first()
        if row is None or row.status not in UNPAID_SIGN_UPS or not _is_due(row):
            return None
        _do_begin_end(row)
    return _end(row.id, _JOB, SignUpStatus.EXPIRED)


def _end(sign_up_id: uuid.UUID, actor: Actor, status: SignUpStatus) -> SignUp:
    """Close the page first: what is ended here must not be payable there."""
    purchases = close_pages(sign_up_id)
    if any(each.is_settled for each in purchases):
        log.warning("sign_up_was_paid", sign_up=str(sign_up_id))
        follow_sign_up(sign_up_id)
        return SignUp.objects.get(id=sign_up_id)
    with entry_transaction():
        row = SignUp.objects.select_for_update(no_key=True).get(id=sign_up_id)
        if row.status not in UNPAID_SIGN_UPS:
            return row
        row.closing_at = None
        if purchases:
            # A bank has still to confirm, which takes days: the names wait with the money.
            row.expires_at = clock.now() + settings.SIGN_UP_UNPAID
            row.save_fields("closing_at", "expires_at")
            return row
        row.status, row.ended_by, row.token_hash = status, actor.label, None
        do_release_names(row)
        row.save_fields("status", "ended_by", "token_hash", "closing_at", "held_name", "held_skeleton")
        do_record(actor=actor, action=f"sign_ups.{status}", organization_id=None, target=row)
    return row


def _do_begin_end(row: SignUp) -> None:
    """Let no further page be opened from here on."""
    require_transaction()
    row.closing_at = clock.now()
    row.save_fields("closing_at")


def _is_due(row: SignUp) -> bool:
    return row.closing_at is not None or row.expires_at <= clock.now()


def _check(row: SignUp) -> None:
    _refuse_ended(row)
    if row.status == SignUpStatus.UNVERIFIED:
        raise SignUpNotVerified
    if row.closing_at is not None:
        raise SignUpClosing
    if row.expires_at <= clock.now():
        raise SignUpOver(status=SignUpStatus.EXPIRED)
    page = newest_page(row.id)
    if page is not None and page.is_complete:
        raise SignUpPaid(status=row.status)


def _refuse_ended(row: SignUp) -> None:
    if row.status in UNPAID_SIGN_UPS:
        return
    if row.status in {SignUpStatus.PROVISIONING, SignUpStatus.READY, SignUpStatus.NEEDS_ATTENTION}:
        raise SignUpPaid(status=row.status)
    raise SignUpOver(status=row.status)


def _end_after(row: SignUp, page_ends_at: datetime) -> datetime:
    """Return how long the names are held for a page: beyond its end, since people come back, but not for ever
    for who opens one after the other."""
    longest = (row.verified_at or row.created_at) + settings.SIGN_UP_LONGEST
    return min(page_ends_at + settings.SIGN_UP_AFTER_PAGE, longest)
