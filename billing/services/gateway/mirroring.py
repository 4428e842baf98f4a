"""Bring our rows to what was seen at the gateway, in the transaction that marks the message."""

from typing import Any

import structlog
from django.db import connection

from billing.enums import OVER, EventState, SeatState, SubscriptionStatus
from billing.gateways.types import SeenSubscription
from billing.inbox_errors import PriceUnknown, SecondSubscription, SubscriptionOfAnother
from billing.locks import lock_live_subscription
from billing.models import BillingAccount, Drift, GatewayEvent, PlanPrice, SeatAssignment, Subscription
from billing.services.access.access import do_follow_access
from billing.services.changes.settling import do_settle_changes, is_ending
from billing.services.customers.customers import get_account
from billing.services.gateway.drifts import Difference, do_note_differences, do_resolve_differences
from shared_apps.audit.services import do_record
from shared_apps.core import clock
from shared_apps.core.actors import system_actor
from shared_apps.core.transactions import require_transaction
from tenants.enums import ORGANIZATION_MOVES, OrganizationState
from tenants.services.organizations import do_change_state, get_locked

log = structlog.get_logger(__name__)

# Facts of a subscription that can differ.
QUANTITY, PRICE, SECOND_SUBSCRIPTION = "quantity", "price", "second_subscription"

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
        UnknownCustomer, SignUpUnderWay: no organization is this customer, or not yet.
        SubscriptionOfAnother: it is another organization's here.
        SecondSubscription: the organization has a live one already; nothing of that one is touched.
        PriceUnknown: it begins with a price that is none of ours.
    """
    require_transaction()
    account = get_account(seen.customer_ref)
    row = do_lock_subscription(seen.ref)
    if row is not None and row.organization_id != account.organization_id:
        raise SubscriptionOfAnother(subscription=seen.ref, customer=seen.customer_ref)
    row = row or _row_to_fill(account, seen)
    is_new = row._state.adding
    before = {} if is_new else _facts(row)
    _read_into(row, seen)
    _set_seats(row, seen)
    row.seen_at = row.updated_at = clock.now()
    row.save(force_insert=is_new, update_fields=None if is_new else _WRITTEN)
    if row.status in OVER:
        _let_the_second_in(row)
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
    do_settle_changes(row)
    do_follow_access(row, status_before=str(before.get("status", "")))
    return row


def do_lock_subscription(ref: str) -> Subscription | None:
    """Return the row of a subscription at the gateway, locked; None where there is none yet.

    Whoever also takes the lock of its tickets takes this one first. Before there is a row, its name is locked
    instead: who found none would else lock the tickets first, and meet who found one the other way round.
    """
    rows = Subscription.objects.select_for_update(no_key=True).filter(gateway_ref=ref)
    row = rows.first()
    if row is None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"billing:{ref}"])
        row = rows.first()
    return row


def _row_to_fill(account: BillingAccount, seen: SeenSubscription) -> Subscription:
    """Return the row for a subscription that is new here: what an operator had given becomes the paid one,
    so that people keep the seats they hold; else a row to be.

    Raises:
        SecondSubscription: another paid one is live.
        PriceUnknown: there is no plan to write.
    """
    # The organization first, as whoever gives it a subscription does.
    get_locked(account.organization_id)
    price = PlanPrice.objects.select_related("plan").filter(gateway_ref=seen.price_ref).first()
    if price is None:
        raise PriceUnknown(price=seen.price_ref)
    live = None if status_of(seen) in OVER else lock_live_subscription(account.organization_id)
    if live is not None and live.gateway_ref is not None:
        raise SecondSubscription(
            organization=str(account.organization_id), live=live.gateway_ref, second=seen.ref
        )
    row = live or Subscription(
        organization_id=account.organization_id, purchased=0, starts_at=seen.period_start
    )
    row.plan, row.price, row.gateway_ref, row.ends_at = price.plan, price, seen.ref, None
    return row


def _read_into(row: Subscription, seen: SeenSubscription) -> None:
    # What was ended here stays ended while the gateway is still to hear of it.
    was_ended_here = row.status in OVER and is_ending(row.id)
    row.status = SubscriptionStatus.CANCELED if was_ended_here else status_of(seen)
    row.status_reason = seen.status_reason
    _set_price(row, seen)
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


def _set_price(row: Subscription, seen: SeenSubscription) -> None:
    """Take price and plan over. A price that is none of ours changes neither: that is a drift to be shown,
    but no reason not to follow the payments."""
    if row.price is not None and row.price.gateway_ref == seen.price_ref:
        return
    price = PlanPrice.objects.select_related("plan").filter(gateway_ref=seen.price_ref).first()
    if price is not None:
        row.price, row.plan = price, price.plan
        return
    ours = str(row.price.gateway_ref) if row.price else ""
    do_note_differences([Difference(row.organization_id, seen.ref, PRICE, ours, seen.price_ref)])


def status_of(seen: SeenSubscription) -> SubscriptionStatus:
    """Return our word for the gateway's."""
    word = _OUR_WORDS.get(seen.status, seen.status)
    if word in SubscriptionStatus.values:
        return SubscriptionStatus(word)
    # A word newer than this code: nothing good is taken from it.
    log.error("subscription_status_unknown", status=seen.status, subscription=seen.ref)
    return SubscriptionStatus.UNPAID


def _set_seats(row: Subscription, seen: SeenSubscription) -> None:
    """Take the number that is billed; fewer than people hold is a drift that is shown, never a silent cut."""
    used = SeatAssignment.objects.filter(subscription=row).exclude(state=SeatState.REVOKED).count()
    was_below = row.billed_seats is not None
    row.purchased = max(seen.seats + row.comped, used)
    row.billed_seats = seen.seats if seen.seats + row.comped < used else None
    if row.billed_seats is not None and status_of(seen) not in OVER:
        held = str(row.purchased - row.comped)
        do_note_differences([Difference(row.organization_id, seen.ref, QUANTITY, held, str(seen.seats))])
    elif was_below:
        do_resolve_differences([QUANTITY], of=seen.ref)
    if row.pending_purchased is not None and row.pending_purchased >= row.purchased:
        row.pending_purchased = None


def _let_the_second_in(row: Subscription) -> None:
    """Another subscription that was paid beside this one takes its place: look at it again soon."""
    seconds = Drift.objects.filter(
        organization_id=row.organization_id, fact=SECOND_SUBSCRIPTION, resolved_at=None
    ).values_list("subject", flat=True)
    now = clock.now()
    GatewayEvent.objects.filter(object_ref__in=list(seconds), state=EventState.PARKED).update(
        state=EventState.FAILED, attempts=0, next_try_at=now, updated_at=now
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
