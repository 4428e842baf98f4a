"""Carry a change out at the gateway: the row is there before, its id is the key of each call.

Whoever died anywhere, or heard nothing, is followed by the job, which calls again with the same key: one
effect. What became of it is written from a look at the subscription that was begun after the call.
"""

import uuid
from datetime import datetime, timedelta
from typing import Any

import structlog

from billing.enums import ChangeKind, ChangeState, Interval
from billing.errors import CardDeclined, FailureKept, GatewayRefused, GatewayUnavailable
from billing.gateways.stripe_gateway import StripeGateway, stripe_gateway
from billing.gateways.types import SeatsWish, SeenSubscription, TermsWish
from billing.models import PlanPrice, Subscription, SubscriptionChange
from billing.services.catalogue.syncing import RHYTHM
from billing.services.changes.rows import MAKE
from billing.services.changes.settling import REPLACING, do_settle_changes, do_withdraw_planned, is_there
from billing.services.gateway.keys import keys_of
from billing.services.gateway.mirroring import do_apply_subscription, do_lock_subscription
from billing.services.gateway.tickets import apply_in_turn, draw_ticket
from billing.services.seats.ledger import because
from shared_apps.core import clock
from shared_apps.core.jobs import enqueue
from shared_apps.core.transactions import entry_transaction

log = structlog.get_logger(__name__)

# Gone on with after a minute, then after as many as there were attempts; told to the log from here on.
_STUCK_AFTER, _LONGEST_WAIT_MINUTES, _MOST_COUNTED = 20, 60, 30_000
_OVER_WORDS = frozenset({"canceled", "incomplete_expired"})


def make(gateway: StripeGateway, change: SubscriptionChange) -> SubscriptionChange:
    """Call the gateway with the change's key, look, and write what became of it; return the row as it is.

    Runs outside of transactions. Still `requested` afterwards when the gateway did not answer.
    """
    subscription = Subscription.objects.select_related("price__plan").get(id=change.subscription_id)
    ref = str(subscription.gateway_ref)
    made: SeenSubscription | None = None
    try:
        try:
            made = _act_once(gateway, change, subscription)
        except (CardDeclined, GatewayRefused) as error:
            ticket, seen = _look(gateway, ref)
            if not _is_done(change, seen):  # refused, and not because an earlier try did it
                return _give_up(change, seen, ticket, str(error.facts.get("reason", error.code)))
        else:
            ticket, seen = _look(gateway, ref)
        waits = _waits(change, made or seen, seen)
        facts = _payment_facts(gateway, seen) if waits else {}
    except GatewayUnavailable:
        return _put_off(change)
    return _write(change, seen, ticket, waits=waits, facts=facts)


def make_change(change_id: uuid.UUID) -> ChangeState | None:
    """Go on with a change whose caller died or whose gateway did not answer; None when there is nothing to
    do. Safe to run twice, at once too."""
    gateway = stripe_gateway()
    change = SubscriptionChange.objects.filter(id=change_id, state=ChangeState.REQUESTED).first()
    if gateway is None or change is None:
        return None
    return ChangeState(make(gateway, change).state)


def resend_changes() -> int:
    """Send the changes that have been on their way for a minute, later ones less often; return how many."""
    now = clock.now()
    waiting = SubscriptionChange.objects.filter(
        state=ChangeState.REQUESTED, updated_at__lt=now - timedelta(minutes=1)
    ).order_by("updated_at")[:500]
    due = [
        change
        for change in waiting
        if change.updated_at + timedelta(minutes=min(change.attempts, _LONGEST_WAIT_MINUTES)) < now
    ]
    for change in due:
        enqueue(MAKE, organization_id=None, change_id=change.id)
    return len(due)


def wish_of(subscription: Subscription, price: PlanPrice, seats: int, at: datetime) -> SeatsWish:
    """Return the wish for so many seats at that price from then on."""
    return SeatsWish(
        subscription_ref=str(subscription.gateway_ref),
        item_ref=subscription.item_ref,
        seats=seats,
        at=at,
        price_ref=str(price.gateway_ref) if price.id != subscription.price_id else None,
    )


# --- The calls -----------------------------------------------------------------------------------


def _act_once(
    gateway: StripeGateway, change: SubscriptionChange, subscription: Subscription
) -> SeenSubscription | None:
    """Do what the change asks for, under the next key where the gateway keeps a failure of the one before."""
    kept: FailureKept | None = None
    for key in keys_of(change.id, since=change.created_at):
        if kept is not None and not _shows_effects(gateway, change, subscription):
            break
        try:
            return _act(gateway, change, subscription, key, is_again=bool(kept or change.attempts))
        except FailureKept as error:
            kept = error
    assert kept is not None  # noqa: S101  there is a first key
    raise kept


def _shows_effects(gateway: StripeGateway, change: SubscriptionChange, subscription: Subscription) -> bool:
    """Tell whether a look says if an earlier call had its effect. A code that was redeemed is not seen; nor
    is a subscription that was resumed, while it waits for the payment of its invoice."""
    if change.kind == ChangeKind.RESUME:
        seen = gateway.look_subscription(str(subscription.gateway_ref))
        return not seen.latest_invoice_ref or gateway.look_invoice(seen.latest_invoice_ref).status != "open"
    return change.kind != ChangeKind.DISCOUNT


def _act(
    gateway: StripeGateway,
    change: SubscriptionChange,
    subscription: Subscription,
    key: str,
    *,
    is_again: bool,
) -> SeenSubscription | None:
    """Do what the change asks for, unless an earlier try did; return what the gateway answered."""
    ref, kind = str(subscription.gateway_ref), ChangeKind(change.kind)
    if is_again or kind is ChangeKind.PERIOD_END:
        seen = gateway.look_subscription(ref)
        if kind is ChangeKind.PERIOD_END:
            _act_on_terms(gateway, change, subscription, seen, key)
            return None
        if _is_done(change, seen):
            return seen
        schedule_ref = seen.schedule_ref
    else:
        schedule_ref = subscription.schedule_ref
    if schedule_ref and kind in REPLACING and kind is not ChangeKind.END:
        # The gateway lets nobody cancel or pause what a schedule holds, and would undo a change with it.
        gateway.release_schedule(schedule_ref, idempotency_key=f"{key}-release")
    match kind:
        case ChangeKind.NOW:
            price = change.to_price or subscription.price
            assert price is not None  # noqa: S101  a subscription at the gateway has one
            assert change.prorated_at is not None  # noqa: S101
            wish = wish_of(subscription, price, change.to_seats, change.prorated_at)
            return gateway.change_seats(wish, idempotency_key=key)
        case ChangeKind.CANCEL | ChangeKind.KEEP:
            return gateway.end_at_period_end(
                ref,
                ending=kind is ChangeKind.CANCEL,
                idempotency_key=key,
                reason=change.reason,
                comment=change.comment,
            )
        case ChangeKind.END:
            return gateway.cancel(ref, idempotency_key=key)
        case ChangeKind.PAUSE:
            return gateway.pause(ref, idempotency_key=key)
        case ChangeKind.RESUME:
            return gateway.resume(ref, idempotency_key=key)
        case ChangeKind.EXTEND_TRIAL:
            until = datetime.fromisoformat(change.facts["trial_end"])
            return gateway.extend_trial(ref, until=until, idempotency_key=key)
        case ChangeKind.DISCOUNT:
            return gateway.redeem_promotion(ref, change.facts["promotion_ref"], idempotency_key=key)


def _act_on_terms(
    gateway: StripeGateway,
    change: SubscriptionChange,
    subscription: Subscription,
    seen: SeenSubscription,
    key: str,
) -> None:
    price = change.to_price or subscription.price
    assert price is not None  # noqa: S101  a subscription at the gateway has one
    if (change.to_seats, str(price.gateway_ref)) != (seen.seats, seen.price_ref):
        interval, count = RHYTHM[Interval(price.interval)]
        wish = TermsWish(str(price.gateway_ref), change.to_seats, interval, count)
        gateway.schedule_terms(seen, wish, idempotency_key=key)
    elif seen.schedule_ref:
        gateway.release_schedule(seen.schedule_ref, idempotency_key=f"{key}-release")


def _look(gateway: StripeGateway, ref: str) -> tuple[int, SeenSubscription]:
    """Draw a ticket, then look: the look has seen the call before it, and whatever has a later ticket too."""
    ticket = draw_ticket(ref)
    return ticket, gateway.look_subscription(ref)


def _is_done(change: SubscriptionChange, seen: SeenSubscription) -> bool:
    """Tell whether an earlier try had its effect, as far as the subscription shows it."""
    price = PlanPrice.objects.filter(gateway_ref=seen.price_ref).first()
    match ChangeKind(change.kind):
        case ChangeKind.NOW:
            # One that waits for its payment is ours: no other is begun before.
            return seen.pending_seats is not None or is_there(change, seats=seen.seats, price=price)
        case ChangeKind.CANCEL:
            return seen.cancel_at is not None
        case ChangeKind.KEEP:
            return seen.cancel_at is None
        case ChangeKind.END:
            return seen.status in _OVER_WORDS
        case ChangeKind.PAUSE:
            return seen.status == "paused"
        case ChangeKind.RESUME:
            return seen.status != "paused"
        case ChangeKind.EXTEND_TRIAL:
            wanted = datetime.fromisoformat(change.facts["trial_end"])
            return seen.trial_end == wanted
        case _:
            return False


def _waits(change: SubscriptionChange, made: SeenSubscription, seen: SeenSubscription) -> bool:
    """Tell whether the change waits for its payment, as the gateway answered and as it still is."""
    if change.kind == ChangeKind.NOW:
        return made.pending_seats is not None and seen.pending_seats is not None
    return change.kind == ChangeKind.RESUME and seen.status == "paused"


def _payment_facts(gateway: StripeGateway, seen: SeenSubscription) -> dict[str, Any]:
    """Return how the payer can go on: the open invoice's page, and until when."""
    if not seen.latest_invoice_ref:
        return {}
    invoice = gateway.look_invoice(seen.latest_invoice_ref)
    return {
        "invoice_ref": invoice.ref,
        "invoice_url": invoice.hosted_url,
        "due_minor": invoice.due_minor,
        "currency": invoice.currency,
        "until": seen.pending_until.isoformat() if seen.pending_until else None,
    }


# --- What became of it ----------------------------------------------------------------------------


def _write(
    change: SubscriptionChange, seen: SeenSubscription, ticket: int, *, waits: bool, facts: dict[str, Any]
) -> SubscriptionChange:
    with entry_transaction():
        subscription, row = _do_mirror(change, seen, ticket)
        if row.state != ChangeState.REQUESTED:
            return row
        row.state = ChangeState.UNPAID if waits else ChangeState.CONFIRMED
        if row.kind == ChangeKind.PERIOD_END:
            is_back = is_there(row, seats=row.from_seats, price=subscription.price)
            row.state = ChangeState.WITHDRAWN if is_back else ChangeState.SCHEDULED
        row.facts, row.problem = row.facts | facts, ""
        row.save_fields("state", "facts", "problem")
        if row.kind == ChangeKind.DISCOUNT:
            subscription.promotion_code = str(row.facts["code"])
            subscription.save_fields("promotion_code")
        do_withdraw_planned(row)
        do_settle_changes(subscription)
        row.refresh_from_db(fields=["state", "problem"])
    return row


def _give_up(
    change: SubscriptionChange, seen: SeenSubscription, ticket: int, problem: str
) -> SubscriptionChange:
    """The gateway refused: nothing was changed there, and a cap that was set here for it is taken off."""
    with entry_transaction():
        subscription, row = _do_mirror(change, seen, ticket)
        if row.state == ChangeState.REQUESTED:
            row.state, row.problem = ChangeState.FAILED, problem[:100]
            row.save_fields("state", "problem")
            do_settle_changes(subscription)
    log.warning("change_refused", change=str(row.id), kind=row.kind, problem=problem)
    return row


def _put_off(change: SubscriptionChange) -> SubscriptionChange:
    with entry_transaction():
        row = SubscriptionChange.objects.select_for_update(no_key=True).get(id=change.id)
        if row.state == ChangeState.REQUESTED:
            row.attempts = min(row.attempts + 1, _MOST_COUNTED)
            row.problem = "gateway_unavailable"
            row.save_fields("attempts", "problem")
            if row.attempts >= _STUCK_AFTER:
                log.error("change_stuck", change=str(row.id), kind=row.kind, attempts=row.attempts)
    return row


def _do_mirror(
    change: SubscriptionChange, seen: SeenSubscription, ticket: int
) -> tuple[Subscription, SubscriptionChange]:
    """Apply what was seen in its turn, and return subscription and change, locked in the order that the
    gateway's messages lock them: subscription, ticket, change."""
    do_lock_subscription(seen.ref)
    with because("change", change.id, actor_id=change.requested_by_id):
        apply_in_turn(seen.ref, ticket, lambda: do_apply_subscription(seen))
    subscription = Subscription.objects.select_related("price").get(id=change.subscription_id)
    changes = SubscriptionChange.objects.select_for_update(no_key=True, of=("self",))
    return subscription, changes.select_related("to_price__plan").get(id=change.id)
