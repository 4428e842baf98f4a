"""Bring our rows to what was seen at the gateway, in the transaction that marks the message."""

import dataclasses
from typing import Any

import structlog

from billing.enums import OVER, SeatState, SubscriptionStatus
from billing.errors import UnknownCustomer
from billing.gateways.types import SeenInvoice, SeenLine, SeenSubscription
from billing.models import BillingAccount, PlanPrice, SeatAssignment, Subscription, SubscriptionInvoice
from shared_apps.audit.services import do_record
from shared_apps.core import clock
from shared_apps.core.actors import system_actor
from shared_apps.core.transactions import require_transaction
from tenants.enums import ORGANIZATION_MOVES, OrganizationState
from tenants.services.organizations import do_change_state, get_locked

log = structlog.get_logger(__name__)

# All but the counter, which the database moves.
_WRITTEN = sorted(
    field.name
    for field in Subscription._meta.concrete_fields
    if field.name not in {"id", "created_at", "used"}
)
_OUR_WORDS = {"incomplete_expired": SubscriptionStatus.EXPIRED.value}
_ORGANIZATION_STATE = {
    SubscriptionStatus.ACTIVE: OrganizationState.ACTIVE,
    SubscriptionStatus.PAST_DUE: OrganizationState.PAST_DUE,
    SubscriptionStatus.UNPAID: OrganizationState.PAST_DUE,
}


def do_apply_subscription(seen: SeenSubscription) -> Subscription:
    """Make the row what the gateway says, seats first; return it.

    The organization is the one whose customer it is. What the subscription says of itself in its metadata is
    not asked: whoever could write there could take another's seats.

    Raises:
        UnknownCustomer: no organization is this customer.
    """
    require_transaction()
    account = _account(seen.customer_ref)
    row = Subscription.objects.select_for_update(no_key=True).filter(gateway_ref=seen.ref).first()
    before = _facts(row) if row else {}
    if row is None:
        row = _new_row(account, seen)
    _read_into(row, seen)
    _set_seats(row, seen)
    row.seen_at = row.updated_at = clock.now()
    row.save(force_insert=not before, update_fields=_WRITTEN if before else None)
    if row.status in OVER:
        _end_seats(row)
    changes = {
        name: [before.get(name), value] for name, value in _facts(row).items() if before.get(name) != value
    }
    if changes:
        do_record(
            actor=system_actor("billing.gateway"),
            action="subscriptions.mirrored",
            organization_id=row.organization_id,
            target=row,
            changes=changes,
        )
    _move_organization(row)
    return row


def do_apply_invoice(seen: SeenInvoice) -> SubscriptionInvoice | None:
    """Keep the invoice as the gateway shows it; None for one of no subscription of ours.

    Raises:
        UnknownCustomer: no organization is this customer.
    """
    require_transaction()
    account = _account(seen.customer_ref)
    subscription = Subscription.objects.filter(
        gateway_ref=seen.subscription_ref, organization_id=account.organization_id
    ).first()
    facts: dict[str, Any] = {
        "organization_id": account.organization_id,
        "subscription": subscription,
        "number": seen.number,
        "status": seen.status,
        "reason": seen.reason,
        "currency": seen.currency,
        "subtotal_minor": seen.subtotal_minor,
        "discount_minor": seen.discount_minor,
        "tax_minor": seen.tax_minor,
        "total_minor": seen.total_minor,
        "due_minor": seen.due_minor,
        "paid_minor": seen.paid_minor,
        "attempts": seen.attempts,
        "next_attempt_at": seen.next_attempt_at,
        "issued_at": seen.created_at,
        "paid_at": seen.paid_at,
        "hosted_url": seen.hosted_url,
        "pdf_url": seen.pdf_url,
        "lines": [_line(each) for each in seen.lines],
        "updated_at": clock.now(),
    }
    row, _ = SubscriptionInvoice.objects.update_or_create(gateway_ref=seen.ref, defaults=facts)
    return row


def _account(customer_ref: str) -> BillingAccount:
    account = BillingAccount.objects.filter(gateway_ref=customer_ref).first()
    if account is None:
        raise UnknownCustomer(customer=customer_ref)
    return account


def _new_row(account: BillingAccount, seen: SeenSubscription) -> Subscription:
    """Return a row to be, in place of what an operator may have given: paid seats follow granted ones."""
    price = PlanPrice.objects.select_related("plan").get(gateway_ref=seen.price_ref)
    return Subscription(
        organization_id=account.organization_id,
        plan=price.plan,
        price=price,
        gateway_ref=seen.ref,
        purchased=0,
        starts_at=seen.period_start,
    )


def _read_into(row: Subscription, seen: SeenSubscription) -> None:
    row.status = _status_of(seen)
    row.status_reason = seen.status_reason
    price = PlanPrice.objects.select_related("plan").filter(gateway_ref=seen.price_ref).first()
    if price is not None:
        row.price, row.plan = price, price.plan
    row.item_ref = seen.item_ref
    row.schedule_ref = seen.schedule_ref
    row.trial_ends_at = seen.trial_end
    row.period_starts_at, row.period_ends_at = seen.period_start, seen.period_end
    row.cancels_at = seen.cancel_at
    row.unpaid_purchased = seen.pending_seats
    is_behind = row.status in {SubscriptionStatus.PAST_DUE, SubscriptionStatus.UNPAID}
    row.past_due_since = (row.past_due_since or clock.now()) if is_behind else None
    if row.status in OVER:
        row.canceled_at = row.canceled_at or seen.ended_at or clock.now()


def _status_of(seen: SeenSubscription) -> SubscriptionStatus:
    word = _OUR_WORDS.get(seen.status, seen.status)
    if word in SubscriptionStatus.values:
        return SubscriptionStatus(word)
    # A word newer than this code: nothing good is taken from it.
    log.error("subscription_status_unknown", status=seen.status, subscription=seen.ref)
    return SubscriptionStatus.UNPAID


def _set_seats(row: Subscription, seen: SeenSubscription) -> None:
    """Take the number that is billed; fewer than people hold is a drift that is shown, never a silent cut."""
    used = SeatAssignment.objects.filter(subscription=row).exclude(state=SeatState.REVOKED).count()
    row.purchased = max(seen.seats + row.comped, used)
    row.billed_seats = seen.seats if seen.seats + row.comped < used else None
    if row.billed_seats is not None:
        log.error("seats_below_use", organization=str(row.organization_id), billed=seen.seats, used=used)
    if row.pending_purchased is not None and row.pending_purchased >= row.purchased:
        row.pending_purchased = None


def _end_seats(row: Subscription) -> None:
    instant = clock.now()
    SeatAssignment.objects.filter(subscription=row).exclude(state=SeatState.REVOKED).update(
        state=SeatState.REVOKED, revoked_at=instant, revoked_reason="subscription ended", updated_at=instant
    )


def _move_organization(row: Subscription) -> None:
    wanted = _ORGANIZATION_STATE.get(SubscriptionStatus(row.status))
    if wanted is None:
        return
    organization = get_locked(row.organization_id)
    state = OrganizationState(organization.state)
    if state != wanted and wanted in ORGANIZATION_MOVES[state] and state in _FOLLOWING:
        do_change_state(organization, wanted)


# States that payments move an organization between; a suspension or an end is decided by people.
_FOLLOWING = frozenset({OrganizationState.TRIAL, OrganizationState.ACTIVE, OrganizationState.PAST_DUE})


def _facts(row: Subscription) -> dict[str, Any]:
    return {
        "status": str(row.status),
        "purchased": row.purchased,
        "unpaid_purchased": row.unpaid_purchased,
        "cancels_at": row.cancels_at.isoformat() if row.cancels_at else None,
    }


def _line(line: SeenLine) -> dict[str, Any]:
    fields = dataclasses.asdict(line)
    fields["period_start"] = line.period_start.isoformat()
    fields["period_end"] = line.period_end.isoformat()
    return fields
