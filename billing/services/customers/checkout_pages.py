"""One page at the gateway for one row of ours, whatever fails in between.

The row is written first, with all that the page is asked with; its id is the key of the call, so a repeated
call gives the same page. Another wish closes the page that is open before the next one is opened: two that
can be paid would be two subscriptions.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import structlog
from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from billing.enums import CheckoutState
from billing.errors import CheckoutPaid, CheckoutReplaced, GatewayRefused, GatewayUnavailable
from billing.gateways.stripe_gateway import StripeGateway, stripe_gateway
from billing.gateways.types import CheckoutWish, SeenCheckout
from billing.models import BillingAccount, Checkout, PlanPrice
from shared_apps.core import clock
from shared_apps.core.jobs import enqueue
from shared_apps.core.transactions import entry_transaction, require_transaction
from shared_apps.outbox.services.messages import Message, do_send

log = structlog.get_logger(__name__)

# As short as the gateway allows with some time to type a card number.
PAGE_LIFETIME = timedelta(minutes=40)
# The gateway takes no page that ends earlier than in half an hour; a page that nobody could pay any more in
# the time left is opened anew.
_LEAST_TO_START, _LEAST_TO_PAY = timedelta(minutes=31), timedelta(minutes=5)
_OPEN = (CheckoutState.STARTING, CheckoutState.OPEN)
_TRIES = 4
_SWEPT_AT_ONCE = 200
# Sign-ups are above billing: they hear of it by a message, which is sent once and not lost.
CHECKOUT_PAID = "billing.checkout_paid"
SWEEP = "billing.sweep_checkouts"


@dataclass(frozen=True, slots=True)
class PageWish:
    """What a page sells.

    Attributes:
        terms: what else the page is asked with, ready for JSON, by the names of `CheckoutWish`.
    """

    price: PlanPrice
    seats: int
    customer_ref: str
    trial_days: int = 0
    terms: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PageOwner:
    """Who subscribes: an organization, or a sign-up whose organization comes about when it is paid."""

    organization_id: uuid.UUID | None = None
    sign_up_id: uuid.UUID | None = None

    def rows(self) -> QuerySet[Checkout]:
        """Return the owner's pages."""
        if self.organization_id is not None:
            return Checkout.objects.filter(organization_id=self.organization_id)
        return Checkout.objects.filter(sign_up_id=self.sign_up_id)


def open_page(
    gateway: StripeGateway,
    owner: PageOwner,
    wish: PageWish,
    *,
    requested_by_id: uuid.UUID | None,
    do_check: Callable[[], None],
    do_note: Callable[[Checkout], None],
) -> Checkout:
    """Return the owner's open page for this wish, opened or found.

    Args:
        do_check: called in the transaction that writes the row, after a look for an open one: a page that
            was paid since that look is seen by it. Refuses by raising, and locks what keeps the owner's other
            callers out.
        do_note: called with a new row, in its transaction.

    Raises:
        CheckoutPaid: the page of an earlier wish was paid meanwhile.
        CheckoutReplaced: another wish came at the same time.
        GatewayUnavailable, GatewayRefused: no page; the same call may be repeated.
    """
    for _ in range(_TRIES):
        with entry_transaction():
            row = owner.rows().filter(state__in=_OPEN).first()
            do_check()
            if row is None:
                row = _insert(owner, wish, requested_by_id)
                if row is None:  # somebody else was faster; see what they want
                    continue
                do_note(row)
        if not _serves(row, wish):
            close_page(gateway, row)
        elif row.state == CheckoutState.OPEN:
            return row
        else:
            return _show(gateway, row)
    raise CheckoutReplaced


def close_page(gateway: StripeGateway, row: Checkout) -> None:
    """Close a page at the gateway and here, in this order: what is closed here must not be payable there.

    Raises:
        CheckoutPaid: too late.
        GatewayUnavailable: it may still be open.
    """
    ref = row.gateway_ref
    if not ref:  # the answer that named it may have been lost
        found = gateway.find_checkout(row.customer_ref, reference=str(row.id)) if row.customer_ref else None
        ref = found.ref if found else None
    seen = gateway.end_checkout(ref) if ref else None
    with entry_transaction():
        locked = Checkout.objects.select_for_update(no_key=True).get(id=row.id)
        if locked.state in _OPEN:
            locked.gateway_ref = ref
            locked.state = CheckoutState.EXPIRED
            if seen is not None and seen.status == "complete":
                do_complete(locked, seen)
            locked.save_fields("gateway_ref", "state", "subscription_ref")
        is_paid = locked.state == CheckoutState.COMPLETE
    if is_paid:
        raise CheckoutPaid(checkout=str(row.id))


def do_end_pages(organization_id: uuid.UUID) -> int:
    """Have the open pages of an organization closed at the gateway once this transaction commits: nobody
    should pay for one whose doors were just closed. Returns how many.

    That their time is over is written with it, so that the sweep of every minute closes them, too, where the
    job is lost or the gateway away. One that was paid before is noted, as by its own message.
    """
    require_transaction()
    now = clock.now()
    open_ones = Checkout.objects.filter(
        organization_id=organization_id, state__in=_OPEN, expires_at__gt=now
    ).update(expires_at=now, updated_at=now)
    if open_ones:
        enqueue(SWEEP, organization_id=None)
    return open_ones


def do_apply_checkout(seen: SeenCheckout) -> None:
    """Note what became of a page; what was bought on it is told by the subscription's own messages."""
    require_transaction()
    row = Checkout.objects.select_for_update(no_key=True).filter(gateway_ref=seen.ref).first()
    if row is None:
        return
    if seen.status == "complete":
        do_complete(row, seen)
    elif seen.status == "expired" and row.state in _OPEN:
        row.state = CheckoutState.EXPIRED
    row.save_fields("state", "subscription_ref")


def do_complete(row: Checkout, seen: SeenCheckout) -> None:
    """Set, without saving, that a page was gone through, and note of the customer what it settled."""
    row.state = CheckoutState.COMPLETE
    row.subscription_ref = seen.subscription_ref
    if row.organization_id is not None:
        do_note_purchase(BillingAccount.objects.get(organization_id=row.organization_id), row)
    elif seen.is_settled:
        # A page that waits for a bank's word is complete too; only money, or a trial, makes an organization.
        paid = Message(CHECKOUT_PAID, {"checkout_id": str(row.id)}, dedupe_key=f"checkout-paid:{row.id}")
        do_send([paid], organization_id=None)


def do_note_purchase(account: BillingAccount, row: Checkout) -> None:
    """Keep what a first purchase settles for good: the currency, and that the trial is used."""
    require_transaction()
    account.currency = account.currency or row.price.currency
    if row.trial_days and account.trial_used_at is None:
        account.trial_used_at = clock.now()
    account.save_fields("currency", "trial_used_at")


def sweep_checkouts() -> int:
    """Settle the pages whose time is over and that no message spoke of; return how many."""
    gateway = stripe_gateway()
    if gateway is None:
        return 0
    over = Checkout.objects.filter(state__in=_OPEN, expires_at__lte=clock.now()).order_by("expires_at")
    settled = 0
    for row in over[:_SWEPT_AT_ONCE]:
        try:
            close_page(gateway, row)
        except CheckoutPaid:
            log.warning("checkout_message_missed", checkout=str(row.id))
        except GatewayUnavailable:
            break  # the next beat asks again
        except GatewayRefused:
            continue  # logged where it was refused
        settled += 1
    return settled


def _insert(owner: PageOwner, wish: PageWish, requested_by_id: uuid.UUID | None) -> Checkout | None:
    row = Checkout(
        organization_id=owner.organization_id,
        sign_up_id=owner.sign_up_id,
        customer_ref=wish.customer_ref,
        price=wish.price,
        seats=wish.seats,
        trial_days=wish.trial_days,
        terms=wish.terms,
        requested_by_id=requested_by_id,
        expires_at=clock.now() + PAGE_LIFETIME,
    )
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:  # two at once: the constraint lets one through
        return None
    return row


def _serves(row: Checkout, wish: PageWish) -> bool:
    """Tell whether the page that is there is the one that is wished, with time left to pay on it."""
    least = _LEAST_TO_PAY if row.state == CheckoutState.OPEN else _LEAST_TO_START
    asked = (wish.price.id, wish.seats, wish.trial_days, wish.terms, wish.customer_ref)
    has = (row.price_id, row.seats, row.trial_days, row.terms, row.customer_ref)
    return asked == has and row.expires_at - clock.now() > least


def _show(gateway: StripeGateway, row: Checkout) -> Checkout:
    started = gateway.start_checkout(_asked(row), idempotency_key=str(row.id))
    with entry_transaction():
        locked = Checkout.objects.select_for_update(no_key=True).get(id=row.id)
        if locked.state == CheckoutState.STARTING:
            locked.state, locked.gateway_ref, locked.url = CheckoutState.OPEN, started.ref, started.url
            locked.save_fields("state", "gateway_ref", "url")
    if locked.state != CheckoutState.OPEN:
        # Somebody wished something else while this page was being made; theirs is the one to be paid.
        gateway.end_checkout(started.ref)
        raise CheckoutReplaced(checkout=str(row.id))
    return locked


def _asked(row: Checkout) -> CheckoutWish:
    owner = {"organization": str(row.organization_id)} if row.organization_id else {}
    return CheckoutWish(
        reference=str(row.id),
        customer_ref=row.customer_ref,
        price_ref=str(row.price.gateway_ref),
        seats=row.seats,
        expires_at=row.expires_at,
        trial_days=row.trial_days,
        metadata=owner or {"sign_up": str(row.sign_up_id)},
        **(row.terms or {}),
    )
