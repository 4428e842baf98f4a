"""Change seats, plan or interval now: previewed, confirmed by the preview's token, made and charged once.

Growing: the gateway first, our number follows what it says after the payment. Shrinking: our cap first, the
gateway after. So people never hold more seats than are paid for, whatever fails in between.

Seats are counted as they are billed; seats an operator gave on top stay as they are.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.core import signing

from billing.enums import CLAIMABLE, ChangeKind, ChangeState, Interval
from billing.errors import GatewayRefused, PreviewStale, PriceNotOffered
from billing.gateways.stripe_gateway import StripeGateway
from billing.gateways.types import SeenInvoice
from billing.models import PlanPrice, Subscription, SubscriptionChange
from billing.policies import BILLING_MANAGE, require_in
from billing.services.changes.fit import require_fit
from billing.services.changes.making import make, wish_of
from billing.services.changes.rows import (
    billed,
    check_seats,
    do_insert,
    do_lock_changeable,
    do_refuse_under_way,
    require_gateway,
)
from billing.services.changes.settling import do_cap
from billing.services.changes.words import Happening, what_happens
from shared_apps.core import clock
from shared_apps.core.actors import Actor
from shared_apps.core.ids import new_id
from shared_apps.core.transactions import entry_transaction
from tenants.context import in_public

PREVIEW_LIFETIME = timedelta(minutes=15)
_SALT = "billing.preview"
NOTHING_COUNTED: Mapping[str, int] = {}


@dataclass(frozen=True, slots=True)
class Preview:
    """What a change would cost now. Sums in minor units of `currency`.

    Attributes:
        token: confirms exactly this; good for 15 minutes and while nothing else changed.
        due_minor: what would be charged at once, after credit and discounts, tax in it.
        credit_used_minor: what the organization's credit pays of it.
        credit_given_minor: what becomes a credit for later invoices.
        renewal: one whole period after the change; None when the subscription ends before.
        renews_at: when that period begins.
        happens: the same in words, in the order in which it happens.
    """

    token: str
    from_seats: int
    to_seats: int
    price: PlanPrice
    currency: str
    total_minor: int
    due_minor: int
    tax_minor: int
    discount_minor: int
    credit_used_minor: int
    credit_given_minor: int
    invoice: SeenInvoice
    renewal: SeenInvoice | None
    renews_at: datetime | None
    expires_at: datetime
    happens: tuple[Happening, ...]


def preview_change(
    *,
    actor: Actor,
    organization_id: uuid.UUID,
    seats: int | None = None,
    plan_code: str | None = None,
    interval: Interval | None = None,
    in_use: Mapping[str, int] = NOTHING_COUNTED,
) -> Preview:
    """Return what the change costs now, with the token that confirms it. What is not named stays as it is.

    Args:
        in_use: how much there is of what plans limit, see `require_fit`.

    Raises:
        PaymentsNotSetUp, NoSubscription, NotManagedHere, SubscriptionNotOpen: there is nothing to change.
        ChangeUnderWay: another change is on its way, or waits for its payment.
        SeatsOutsidePlan, SeatsInUse, PriceNotOffered, PlanDoesNotFit: it cannot be had.
        GatewayUnavailable: try again.
    """
    gateway = require_gateway()
    with in_public():
        with entry_transaction():
            require_in(actor, BILLING_MANAGE, organization_id)
            subscription = do_lock_changeable(organization_id, CLAIMABLE)
            do_refuse_under_way(subscription)
            price = wanted_price(subscription, plan_code, interval)
            wanted = billed(subscription) if seats is None else seats
            _check(subscription, price, wanted, in_use)
        # Whole seconds: the gateway reckons in them, and the change must name the very moment of the preview.
        at = clock.now().replace(microsecond=0)
        wish = wish_of(subscription, price, wanted, at)
        renewal = gateway.preview_renewal(wish)
        is_nothing = _is_nothing(subscription, price, wanted)
        invoice = _nothing_owed(renewal) if is_nothing else gateway.preview_seats(wish)
    ends = subscription.cancels_at is not None
    return _preview(subscription, price, wanted, at, invoice, None if ends else renewal)


def confirm_change(
    *,
    actor: Actor,
    organization_id: uuid.UUID,
    token: str,
    in_use: Mapping[str, int] = NOTHING_COUNTED,
    facts: Mapping[str, Any] | None = None,
) -> SubscriptionChange:
    """Make the previewed change and charge it; the invoice comes to what the preview said. The same token
    again returns the change that it made.

    The answer's state says how it went: `confirmed`; `unpaid` (declined: the old number stays, and `facts`
    say where the invoice can be paid); `failed`; still `requested` when the gateway did not answer in time: a
    job goes on with it.

    Args:
        facts: kept with the change from the first, JSON-ready: what is to follow once it is made.

    Raises:
        PreviewStale: the token is too old or another organization's, or the subscription changed since, here
            or at the gateway, so that the sums would differ.
        ChangeUnderWay: another change is on its way.
        SeatsInUse, PlanDoesNotFit: more is in use by now than would be left.
    """
    gateway = require_gateway()
    promise = _opened(token)
    with in_public():
        with entry_transaction():
            require_in(actor, BILLING_MANAGE, organization_id)
            subscription, price, made = _do_read(organization_id, promise, in_use)
            if made is not None:
                return made
        if not _is_nothing(subscription, price, promise["seats"]):
            made = _hold_against(gateway, subscription, price, promise)
            if made is not None:
                return made
        with entry_transaction():
            subscription, price, made = _do_read(organization_id, promise, in_use)
            if made is not None:
                return made
            change = _do_write_down(actor, subscription, price, promise, facts or {})
        return change if change.state != ChangeState.REQUESTED else make(gateway, change)


def wanted_price(subscription: Subscription, plan_code: str | None, interval: Interval | None) -> PlanPrice:
    """Return the price of the plan and interval in the subscription's currency; None for the present ones.

    Raises:
        PriceNotOffered: it is not sold so.
    """
    assert subscription.price_id is not None  # noqa: S101  `do_lock_changeable` looked
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


# --- Inside ------------------------------------------------------------------------------------


def _check(subscription: Subscription, price: PlanPrice, seats: int, in_use: Mapping[str, int]) -> None:
    check_seats(subscription, price.plan, seats)
    if price.plan_id != subscription.plan_id:
        require_fit(subscription.organization_id, price.plan, in_use)


def _preview(
    subscription: Subscription,
    price: PlanPrice,
    seats: int,
    at: datetime,
    invoice: SeenInvoice,
    renewal: SeenInvoice | None,
) -> Preview:
    used = invoice.total_minor - invoice.due_minor if invoice.total_minor > 0 else 0
    renews_at = max((line.period_start for line in renewal.lines), default=None) if renewal else None
    return Preview(
        token=signing.dumps(
            {
                "change": str(new_id()),
                "until": (at + PREVIEW_LIFETIME).isoformat(),
                "price": str(price.id),
                "seats": seats,
                "at": at.isoformat(),
                "sums": _sums(invoice),
                "from": _state_of(subscription),
            },
            salt=_SALT,
        ),
        from_seats=billed(subscription),
        to_seats=seats,
        price=price,
        currency=invoice.currency,
        total_minor=invoice.total_minor,
        due_minor=invoice.due_minor,
        tax_minor=invoice.tax_minor,
        discount_minor=invoice.discount_minor,
        credit_used_minor=used,
        credit_given_minor=max(0, -invoice.total_minor),
        invoice=invoice,
        renewal=renewal,
        renews_at=renews_at,
        expires_at=at + PREVIEW_LIFETIME,
        happens=what_happens(
            subscription,
            price,
            from_seats=billed(subscription),
            seats=seats,
            invoice=invoice,
            renewal=renewal,
        ),
    )


def _do_read(
    organization_id: uuid.UUID, promise: dict[str, Any], in_use: Mapping[str, int]
) -> tuple[Subscription, PlanPrice, SubscriptionChange | None]:
    """Return the locked subscription and the price of the promise, and the change that the token has made
    already.

    Raises:
        PreviewStale: the subscription is not the one that the preview was reckoned from.
    """
    subscription = do_lock_changeable(organization_id, CLAIMABLE)
    price = PlanPrice.objects.select_related("plan").get(id=promise["price"])
    made = _made(organization_id, promise)
    if made is None:
        do_refuse_under_way(subscription)
        if promise["from"] != _state_of(subscription):
            raise PreviewStale
        _check(subscription, price, promise["seats"], in_use)
    return subscription, price, made


def _hold_against(
    gateway: StripeGateway, subscription: Subscription, price: PlanPrice, promise: dict[str, Any]
) -> SubscriptionChange | None:
    """Ask the gateway once more what the change costs: what it knows and we do not yet (another address, a
    credit used up, a renewal) may have changed the sums. Return the change if this token made it meanwhile.

    Raises:
        PreviewStale: the sums differ by now.
    """
    wish = wish_of(subscription, price, promise["seats"], datetime.fromisoformat(promise["at"]))
    try:
        if _sums(gateway.preview_seats(wish)) == promise["sums"]:
            return None
    except GatewayRefused:  # the moment lies in a period that is over
        pass
    made = _made(subscription.organization_id, promise)
    if made is None:
        raise PreviewStale
    return made


def _do_write_down(
    actor: Actor,
    subscription: Subscription,
    price: PlanPrice,
    promise: dict[str, Any],
    facts: Mapping[str, Any],
) -> SubscriptionChange:
    seats = promise["seats"]
    is_nothing = _is_nothing(subscription, price, seats)
    change = SubscriptionChange(
        id=uuid.UUID(promise["change"]),
        organization_id=subscription.organization_id,
        subscription=subscription,
        kind=ChangeKind.NOW,
        state=ChangeState.CONFIRMED if is_nothing else ChangeState.REQUESTED,
        from_seats=billed(subscription),
        to_seats=seats,
        to_price=price if price.id != subscription.price_id else None,
        prorated_at=datetime.fromisoformat(promise["at"]),
        preview_minor=promise["sums"][0],
        facts=dict(facts),
        requested_by_id=actor.user_id,
    )
    do_insert(actor=actor, change=change, preview_minor=change.preview_minor, plan=price.plan.code)
    do_cap(subscription)  # shrinking caps claims before the gateway hears of it
    return change


def _is_nothing(subscription: Subscription, price: PlanPrice, seats: int) -> bool:
    return seats == billed(subscription) and price.id == subscription.price_id


def _nothing_owed(invoice: SeenInvoice) -> SeenInvoice:
    """Return an invoice over nothing; the gateway would credit and charge one time at two discounts."""
    return replace(
        invoice,
        lines=(),
        subtotal_minor=0,
        discount_minor=0,
        tax_minor=0,
        total_minor=0,
        due_minor=0,
        paid_minor=0,
    )


def _made(organization_id: uuid.UUID, promise: dict[str, Any]) -> SubscriptionChange | None:
    rows = SubscriptionChange.objects.select_related("to_price__plan")
    return rows.filter(id=promise["change"], organization_id=organization_id).first()


def _sums(invoice: SeenInvoice) -> list[int]:
    return [invoice.total_minor, invoice.due_minor, invoice.tax_minor, invoice.discount_minor]


def _state_of(subscription: Subscription) -> dict[str, Any]:
    """Return what a preview is reckoned from, as far as we keep it."""
    end = subscription.period_ends_at
    return {
        "subscription": str(subscription.id),
        "seats": billed(subscription),
        "price": str(subscription.price_id),
        "status": str(subscription.status),
        "period": end.isoformat() if end else None,
        "promotion": subscription.promotion_code,
    }


def _opened(token: str) -> dict[str, Any]:
    """Return what a token promises.

    Raises:
        PreviewStale: it is none of ours, or too old.
    """
    try:
        found: dict[str, Any] = signing.loads(token, salt=_SALT)
    except signing.BadSignature as error:
        raise PreviewStale from error
    if clock.now() >= datetime.fromisoformat(found["until"]):
        raise PreviewStale
    return found
