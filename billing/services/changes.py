"""Change seats, plan or interval: previewed, confirmed, made once.

Growing: the gateway first, our number follows what it says after the payment. Shrinking: our cap first, the
gateway after. So people never hold more seats than are paid for, whatever fails in between.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.core import signing
from django.db import IntegrityError, transaction

from billing.enums import CLAIMABLE, ChangeKind, ChangeState, Interval
from billing.errors import (
    CardDeclined,
    ChangeUnderWay,
    GatewayRefused,
    GatewayUnavailable,
    NoSubscription,
    NotManagedHere,
    PaymentsNotSetUp,
    PreviewStale,
    PriceNotOffered,
    SeatsInUse,
    SeatsOutsidePlan,
    SubscriptionNotOpen,
)
from billing.gateways.stripe_gateway import StripeGateway, stripe_gateway
from billing.gateways.types import SeatsWish, SeenInvoice, SeenSubscription
from billing.locks import lock_live_subscription
from billing.models import PlanPrice, Subscription, SubscriptionChange
from billing.policies import BILLING_MANAGE, require_in
from billing.services.mirroring import do_apply_subscription
from billing.services.tickets import apply_in_turn, draw_ticket
from shared_apps.audit.services import do_record
from shared_apps.core import clock
from shared_apps.core.actors import Actor
from shared_apps.core.jobs import enqueue
from shared_apps.core.transactions import entry_transaction

log = structlog.get_logger(__name__)

PREVIEW_LIFETIME = timedelta(minutes=15)
MAKE = "billing.make_change"
_SALT = "billing.preview"
_MOST_ATTEMPTS = 20


@dataclass(frozen=True, slots=True)
class Preview:
    """What a change would cost now.

    Attributes:
        token: confirms exactly this; good for 15 minutes and while nothing else changed.
        due_minor: what would be charged at once; negative sums become a credit on later invoices.
    """

    token: str
    from_seats: int
    to_seats: int
    currency: str
    total_minor: int
    due_minor: int
    tax_minor: int
    invoice: SeenInvoice
    expires_at: datetime


def preview_change(
    *,
    actor: Actor,
    organization_id: uuid.UUID,
    seats: int,
    plan_code: str | None = None,
    interval: Interval | None = None,
) -> Preview:
    """Return what the change costs now, with the token that confirms it.

    Raises:
        PaymentsNotSetUp, NoSubscription, NotManagedHere, SubscriptionNotOpen: there is nothing to change.
        SeatsOutsidePlan, SeatsInUse, PriceNotOffered: it cannot be had.
        GatewayUnavailable: try again.
    """
    gateway = _gateway()
    with entry_transaction():
        require_in(actor, BILLING_MANAGE, organization_id)
        subscription = _changeable(organization_id)
        price = _wanted_price(subscription, plan_code, interval)
        _check_seats(subscription, price, seats)
    # Whole seconds: the gateway reckons in them, and the change must name the very moment of the preview.
    at = clock.now().replace(microsecond=0)
    invoice = gateway.preview_seats(_wish(subscription, price, seats, at))
    return Preview(
        token=signing.dumps(_promise(subscription, price, seats, at, invoice.total_minor), salt=_SALT),
        from_seats=subscription.purchased,
        to_seats=seats,
        currency=invoice.currency,
        total_minor=invoice.total_minor,
        due_minor=invoice.due_minor,
        tax_minor=invoice.tax_minor,
        invoice=invoice,
        expires_at=at + PREVIEW_LIFETIME,
    )


def confirm_change(*, actor: Actor, organization_id: uuid.UUID, token: str) -> SubscriptionChange:
    """Make the previewed change and charge it; the invoice comes to what the preview said.

    The answer's state says how it went: `confirmed`, `unpaid` (declined; the old number stays), or still
    `requested` when the gateway did not answer in time: a job goes on with it.

    Raises:
        PreviewStale: the token is too old, or the subscription changed since.
        ChangeUnderWay: another change is on its way.
    """
    gateway = _gateway()
    promise = _opened(token)
    with entry_transaction():
        require_in(actor, BILLING_MANAGE, organization_id)
        subscription = _changeable(organization_id)
        price = PlanPrice.objects.select_related("plan").get(id=promise["price"])
        at = datetime.fromisoformat(promise["at"])
        if promise != _promise(subscription, price, promise["seats"], at, promise["total"]):
            raise PreviewStale
        _check_seats(subscription, price, promise["seats"])
        change = SubscriptionChange(
            organization_id=organization_id,
            subscription=subscription,
            kind=ChangeKind.NOW,
            from_seats=subscription.purchased,
            to_seats=promise["seats"],
            to_price=price if price.id != subscription.price_id else None,
            prorated_at=at,
            preview_minor=promise["total"],
            requested_by_id=actor.user_id,
        )
        _insert(change)
        if change.to_seats < subscription.purchased:
            # Shrinking caps claims before the gateway hears of it.
            subscription.pending_purchased = change.to_seats
            subscription.save_fields("pending_purchased")
        _record(actor, "billing.change_seats", change)
        enqueue(MAKE, organization_id=None, change_id=change.id)
    return _make(gateway, change)


def schedule_seats(*, actor: Actor, organization_id: uuid.UUID, seats: int) -> SubscriptionChange:
    """Have fewer seats from the next period on: claims are capped at once, nothing is refunded.

    Raises:
        SeatsInUse: more are in use; facts `used`, `asked`.
        SeatsOutsidePlan: growing is done now, with a preview; or below the plan's least.
        ChangeUnderWay, NoSubscription, NotManagedHere, SubscriptionNotOpen: as for `confirm_change`.
    """
    gateway = _gateway()
    with entry_transaction():
        require_in(actor, BILLING_MANAGE, organization_id)
        subscription = _changeable(organization_id)
        _check_seats(subscription, None, seats)
        if seats > subscription.purchased:
            raise SeatsOutsidePlan(field="seats", asked=seats, max_seats=subscription.purchased)
        change = SubscriptionChange(
            organization_id=organization_id,
            subscription=subscription,
            kind=ChangeKind.PERIOD_END,
            from_seats=subscription.purchased,
            to_seats=seats,
            requested_by_id=actor.user_id,
        )
        _insert(change)
        subscription.pending_purchased = seats if seats < subscription.purchased else None
        subscription.save_fields("pending_purchased")
        _record(actor, "billing.schedule_seats", change)
        enqueue(MAKE, organization_id=None, change_id=change.id)
    return _make(gateway, change)


def make_change(change_id: uuid.UUID) -> ChangeState | None:
    """Go on with a change whose caller died or whose gateway did not answer. Safe to run twice, at once too:
    the row's id is the key of each call."""
    gateway = stripe_gateway()
    change = SubscriptionChange.objects.filter(id=change_id, state=ChangeState.REQUESTED).first()
    if gateway is None or change is None:
        return None
    return ChangeState(_make(gateway, change).state)


def resend_changes() -> int:
    """Send the changes that have been on their way for a minute; return how many."""
    lost = SubscriptionChange.objects.filter(
        state=ChangeState.REQUESTED, updated_at__lt=clock.now() - timedelta(minutes=1)
    )
    ids = list(lost.values_list("id", flat=True)[:200])
    for identifier in ids:
        enqueue(MAKE, organization_id=None, change_id=identifier)
    return len(ids)


# --- Inside ------------------------------------------------------------------------------------


def _make(gateway: StripeGateway, change: SubscriptionChange) -> SubscriptionChange:
    """Call the gateway with the change's key, then write what it says, in turn with its messages."""
    subscription = Subscription.objects.select_related("price").get(id=change.subscription_id)
    ref = str(subscription.gateway_ref)
    ticket = draw_ticket(ref)
    try:
        seen = _call(gateway, change, subscription)
    except GatewayUnavailable:
        return _put_off(change)
    except (CardDeclined, GatewayRefused) as error:
        return _give_up(change, str(error.facts.get("reason", error.code)))
    return _write(change, seen, ticket)


def _call(gateway: StripeGateway, change: SubscriptionChange, subscription: Subscription) -> SeenSubscription:
    key = str(change.id)
    if change.kind == ChangeKind.NOW:
        price = change.to_price or subscription.price
        assert price is not None  # noqa: S101  a subscription at the gateway has one
        assert change.prorated_at is not None  # noqa: S101
        wish = _wish(subscription, price, change.to_seats, change.prorated_at)
        return gateway.change_seats(wish, idempotency_key=key)
    seen = gateway.look_subscription(str(subscription.gateway_ref))
    if change.to_seats != seen.seats:
        gateway.schedule_seats(seen, change.to_seats, idempotency_key=key)
    elif seen.schedule_ref:
        gateway.release_schedule(seen.schedule_ref, idempotency_key=key)
    return gateway.look_subscription(seen.ref)


def _write(change: SubscriptionChange, seen: SeenSubscription, ticket: int) -> SubscriptionChange:
    with entry_transaction():
        lock_live_subscription(change.organization_id)
        row = SubscriptionChange.objects.select_for_update(no_key=True).get(id=change.id)
        if row.state != ChangeState.REQUESTED:
            return row
        if change.kind == ChangeKind.PERIOD_END:
            row.state = ChangeState.SCHEDULED if seen.schedule_ref else ChangeState.WITHDRAWN
        else:
            row.state = ChangeState.CONFIRMED if seen.pending_seats is None else ChangeState.UNPAID
        row.save_fields("state")
        apply_in_turn(seen.ref, ticket, lambda: do_apply_subscription(seen))
    return row


def _put_off(change: SubscriptionChange) -> SubscriptionChange:
    with entry_transaction():
        row = SubscriptionChange.objects.select_for_update(no_key=True).get(id=change.id)
        row.attempts += 1
        row.problem = "gateway_unavailable"
        if row.attempts >= _MOST_ATTEMPTS and row.state == ChangeState.REQUESTED:
            log.error("seat_change_stuck", change=str(row.id))
        row.save_fields("attempts", "problem")
    return row


def _give_up(change: SubscriptionChange, problem: str) -> SubscriptionChange:
    """Nothing was changed there; a cap that was set here for it is taken off."""
    with entry_transaction():
        subscription = lock_live_subscription(change.organization_id)
        row = SubscriptionChange.objects.select_for_update(no_key=True).get(id=change.id)
        if row.state == ChangeState.REQUESTED:
            row.state, row.problem = ChangeState.FAILED, problem[:100]
            row.save_fields("state", "problem")
            if subscription is not None and subscription.pending_purchased == row.to_seats:
                subscription.pending_purchased = None
                subscription.save_fields("pending_purchased")
    return row


def _gateway() -> StripeGateway:
    gateway = stripe_gateway()
    if gateway is None:
        raise PaymentsNotSetUp
    return gateway


def _changeable(organization_id: uuid.UUID) -> Subscription:
    subscription = lock_live_subscription(organization_id)
    if subscription is None:
        raise NoSubscription
    if subscription.gateway_ref is None or subscription.price_id is None:
        raise NotManagedHere
    if subscription.status not in CLAIMABLE:
        raise SubscriptionNotOpen(status=subscription.status)
    return subscription


def _wanted_price(subscription: Subscription, plan_code: str | None, interval: Interval | None) -> PlanPrice:
    assert subscription.price_id is not None  # noqa: S101  `_changeable` looked
    current = PlanPrice.objects.select_related("plan").get(id=subscription.price_id)
    code, rhythm = plan_code or current.plan.code, interval or current.interval
    if (code, rhythm) == (current.plan.code, current.interval):
        return current  # an archived price goes on for who has it
    price = (
        PlanPrice.objects.select_related("plan")
        .filter(plan__code=code, interval=rhythm, currency=current.currency)
        .filter(is_active=True, plan__is_active=True)
        .exclude(gateway_ref=None)
        .first()
    )
    if price is None:
        raise PriceNotOffered(field="plan", plan=code, interval=str(rhythm), currency=current.currency)
    return price


def _check_seats(subscription: Subscription, price: PlanPrice | None, seats: int) -> None:
    plan = price.plan if price else subscription.plan
    if not plan.min_seats <= seats <= plan.max_seats:
        raise SeatsOutsidePlan(field="seats", min_seats=plan.min_seats, max_seats=plan.max_seats, asked=seats)
    if seats < subscription.used:
        raise SeatsInUse(field="seats", used=subscription.used, asked=seats)


def _wish(subscription: Subscription, price: PlanPrice, seats: int, at: datetime) -> SeatsWish:
    return SeatsWish(
        subscription_ref=str(subscription.gateway_ref),
        item_ref=subscription.item_ref,
        seats=seats,
        at=at,
        price_ref=str(price.gateway_ref) if price.id != subscription.price_id else None,
    )


def _promise(
    subscription: Subscription, price: PlanPrice, seats: int, at: datetime, total: int
) -> dict[str, Any]:
    """What a token holds: the wish, and the state it was reckoned from."""
    return {
        "subscription": str(subscription.id),
        "purchased": subscription.purchased,
        "from_price": str(subscription.price_id),
        "status": str(subscription.status),
        "seats": seats,
        "price": str(price.id),
        "at": at.isoformat(),
        "total": total,
    }


def _opened(token: str) -> dict[str, Any]:
    try:
        found: dict[str, Any] = signing.loads(token, salt=_SALT, max_age=PREVIEW_LIFETIME)
    except signing.BadSignature as error:
        raise PreviewStale from error
    return found


def _insert(change: SubscriptionChange) -> None:
    try:
        with transaction.atomic():
            change.save(force_insert=True)
    except IntegrityError as error:  # the constraint on changes on their way
        raise ChangeUnderWay from error


def _record(actor: Actor, action: str, change: SubscriptionChange) -> None:
    do_record(
        actor=actor,
        action=action,
        organization_id=change.organization_id,
        target=change,
        changes={"seats": [change.from_seats, change.to_seats], "preview_minor": change.preview_minor},
    )
