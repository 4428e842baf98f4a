"""Whatever the network does to whichever call of the adapter: repeated, it ends as the clean one, once; and
none of them can be made inside a transaction."""

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
import stripe
from django.db import transaction

from billing.errors import GatewayUnavailable
from billing.gateways.stripe_gateway import NetworkInTransaction, StripeGateway
from billing.gateways.types import (
    CheckoutWish,
    PriceWish,
    PromotionWish,
    SeatsWish,
    SeenSubscription,
    TermsWish,
)
from tests.fakes.stripe import Fault, StripeServer


@dataclass
class World:
    """A customer with a subscription, an open page, an unpaid invoice, a tax id, a code and a schedule."""

    server: StripeServer
    at: datetime
    gateway: StripeGateway
    seen: SeenSubscription
    price_ref: str
    page_ref: str
    invoice_ref: str
    unpaid_ref: str
    payment_ref: str
    tax_id: str
    promotion_ref: str

    @property
    def wish(self) -> SeatsWish:
        return SeatsWish(self.seen.ref, self.seen.item_ref, 17, at=self.seen.period_start)

    def page_wish(self, reference: str) -> CheckoutWish:
        return CheckoutWish(
            reference=reference,
            customer_ref=self.seen.customer_ref,
            price_ref=self.price_ref,
            seats=10,
            success_url="https://acme.example/done",
            cancel_url="https://acme.example/plans",
            expires_at=self.at + timedelta(minutes=45),
        )


def price_wish(name: str) -> PriceWish:
    return PriceWish(name, "team", "eur", 1200, "month", 1, "exclusive")


def promotion_wish(code: str) -> PromotionWish:
    return PromotionWish(reference=f"promotion-{code}", code=code, duration="once", percent=20)


def paused(it: World) -> None:
    it.gateway.pause(it.seen.ref, idempotency_key="before")


def planned(it: World) -> None:
    terms = TermsWish(it.price_ref, 4, "month", 1)
    it.gateway.schedule_terms(it.seen, terms, idempotency_key="before")


def released(it: World) -> Any:
    # As changes do it: a look first, then what is still there.
    ref = it.gateway.look_subscription(it.seen.ref).schedule_ref
    return it.gateway.release_schedule(ref, idempotency_key="k") if ref else None


def resumed(it: World) -> Any:
    if it.gateway.look_subscription(it.seen.ref).status == "paused":
        it.gateway.resume(it.seen.ref, idempotency_key="k")


def planning(it: World) -> Any:
    terms = TermsWish(it.price_ref, 4, "month", 1)
    return it.gateway.schedule_terms(it.gateway.look_subscription(it.seen.ref), terms, idempotency_key="k")


# Method -> how it is called; with what comes before where that is needed.
CALLS: dict[str, Callable[[World], Any]] = {
    "ensure_product": lambda it: it.gateway.ensure_product("new", name="New", description="d"),
    "find_price": lambda it: it.gateway.find_price("team-month-eur"),
    "create_price": lambda it: it.gateway.create_price(price_wish("other")),
    "retire_price": lambda it: it.gateway.retire_price(it.price_ref),
    "create_customer": lambda it: it.gateway.create_customer(
        name="B", email="b@b.example", metadata={}, idempotency_key="k"
    ),
    "look_customer": lambda it: it.gateway.look_customer(it.seen.customer_ref),
    "start_checkout": lambda it: it.gateway.start_checkout(it.page_wish("row-3"), idempotency_key="k"),
    "look_checkout": lambda it: it.gateway.look_checkout(it.page_ref),
    "end_checkout": lambda it: it.gateway.end_checkout(it.page_ref),
    "find_checkout": lambda it: it.gateway.find_checkout(it.seen.customer_ref, reference="row-2"),
    "look_subscription": lambda it: it.gateway.look_subscription(it.seen.ref),
    "live_subscriptions": lambda it: it.gateway.live_subscriptions(),
    "look_invoice": lambda it: it.gateway.look_invoice(it.invoice_ref),
    "list_invoices": lambda it: it.gateway.list_invoices(it.seen.customer_ref),
    "invoices_since": lambda it: it.gateway.invoices_since(it.at - timedelta(days=1)),
    "look_payment": lambda it: it.gateway.look_payment(it.payment_ref),
    "pay_invoice": lambda it: it.gateway.pay_invoice(it.unpaid_ref, idempotency_key="k"),
    "notices_since": lambda it: it.gateway.notices_since(it.at - timedelta(days=1)),
    "preview_seats": lambda it: it.gateway.preview_seats(it.wish),
    "preview_renewal": lambda it: it.gateway.preview_renewal(it.wish),
    "change_seats": lambda it: it.gateway.change_seats(it.wish, idempotency_key="k"),
    "schedule_terms": planning,
    "release_schedule": released,
    "end_at_period_end": lambda it: it.gateway.end_at_period_end(
        it.seen.ref, ending=True, idempotency_key="k", reason="unused", comment="c"
    ),
    "extend_trial": lambda it: it.gateway.extend_trial(
        it.seen.ref, until=it.at.replace(microsecond=0) + timedelta(days=9), idempotency_key="k"
    ),
    "redeem_promotion": lambda it: it.gateway.redeem_promotion(
        it.seen.ref, it.promotion_ref, idempotency_key="k"
    ),
    "cancel": lambda it: it.gateway.cancel(it.seen.ref, idempotency_key="k"),
    "pause": lambda it: it.gateway.pause(it.seen.ref, idempotency_key="k"),
    "resume": resumed,
    "update_customer": lambda it: it.gateway.update_customer(
        it.seen.customer_ref, name="B", email="b@b.example", address={"country": "DE"}
    ),
    "add_tax_id": lambda it: it.gateway.add_tax_id(it.seen.customer_ref, kind="eu_vat", value="DE987654321"),
    "drop_tax_id": lambda it: it.gateway.drop_tax_id(it.seen.customer_ref, it.tax_id),
    "ensure_portal": lambda it: it.gateway.ensure_portal(),
    "open_portal": lambda it: it.gateway.open_portal(
        it.seen.customer_ref, return_url="https://acme.example/"
    ),
    "ensure_promotion": lambda it: it.gateway.ensure_promotion(promotion_wish("AUTUMN")),
    "retire_promotion": lambda it: it.gateway.retire_promotion(it.promotion_ref),
    "refund": lambda it: it.gateway.refund(
        it.payment_ref, amount_minor=500, reference="row-9", idempotency_key="k"
    ),
}
BEFORE: dict[str, Callable[[World], None]] = {"resume": paused, "release_schedule": planned}
NO_CALLS = {"verify", "can_verify"}
# An address of a short life; one more that nobody was given does nothing.
NOT_COUNTED = {"billing_portal.session", "event"}


@pytest.fixture
def servers(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[StripeServer]]:
    monkeypatch.setattr(stripe.HTTPClient, "INITIAL_DELAY", 0.001)
    running: list[StripeServer] = []
    yield running
    for each in running:
        each.stop()
        assert each.refused == []


def made(servers: list[StripeServer]) -> World:
    # Of now: a page stays open for 30 minutes at least, and a whole run takes longer than a fixed one leaves.
    server, at = StripeServer().start(), datetime.now(UTC)
    servers.append(server)
    gateway = StripeGateway(
        api_key=server.api_key, base_url=server.url, webhook_secrets=("s",), answer_seconds=5
    )
    gateway.ensure_product("team", name="Team", description="")
    price = gateway.create_price(price_wish("team-month-eur")).ref
    customer = gateway.create_customer(
        name="Acme", email="a@acme.example", metadata={}, idempotency_key="customer"
    )
    wish = CheckoutWish(
        reference="row-1",
        customer_ref=customer,
        price_ref=price,
        seats=10,
        success_url="https://acme.example/done",
        cancel_url="https://acme.example/plans",
        expires_at=at + timedelta(minutes=45),
    )
    page = gateway.start_checkout(wish, idempotency_key="row-1")
    requests.post(f"{server.url}/_payer/checkout/{page.ref}/pay", data={"card": "ok"}, timeout=60)
    seen = gateway.look_subscription(gateway.look_checkout(page.ref).subscription_ref)
    it = World(server, at, gateway, seen, price, "", seen.latest_invoice_ref, "", "", "", "")
    it.payment_ref = gateway.look_invoice(seen.latest_invoice_ref).payment_ref
    it.page_ref = gateway.start_checkout(it.page_wish("row-2"), idempotency_key="row-2").ref
    gateway.add_tax_id(customer, kind="eu_vat", value="DE123456789")
    [tax_id] = server.account.all("tax_id")
    it.tax_id = tax_id["id"]
    it.promotion_ref = gateway.ensure_promotion(promotion_wish("SPRING")).ref
    return it


def owe(it: World) -> None:
    """Leave an invoice open, as a declined card does."""
    it.server.account.cards[it.seen.customer_ref] = "decline"
    wish = SeatsWish(it.seen.ref, it.seen.item_ref, 12, at=it.seen.period_start)
    it.gateway.change_seats(wish, idempotency_key="owe")
    it.unpaid_ref = it.gateway.list_invoices(it.seen.customer_ref)[0].ref
    it.server.account.cards[it.seen.customer_ref] = "ok"


BEFORE["pay_invoice"] = owe


def end_of(it: World) -> dict[str, Any]:
    """Return how many objects of each sort there are, and what was charged and given back."""
    objects = it.server.account.objects
    counts = {kind: len(rows) for kind, rows in objects.items() if rows and kind not in NOT_COUNTED}
    [theirs] = it.server.account.all("subscription")
    return counts | {
        "charged": sorted(each["amount_paid"] for each in it.server.account.all("invoice")),
        "refunds": [each["amount"] for each in it.server.account.all("refund")],
        "subscription": (
            theirs["status"],
            theirs["items"]["data"][0]["quantity"],
            theirs["cancel_at"] is None,
        ),
        "redeemed": [each["times_redeemed"] for each in it.server.account.all("promotion_code")],
    }


def test_the_table_has_every_method_that_calls() -> None:
    methods = {name for name, _ in inspect.getmembers(StripeGateway) if not name.startswith("_")}
    assert methods - NO_CALLS == set(CALLS)


@pytest.mark.feature("PAY-13")
@pytest.mark.slow
@pytest.mark.parametrize("name", CALLS)
def test_every_fault_of_every_call_ends_as_the_clean_one(name: str, servers: list[StripeServer]) -> None:
    ends = []
    for fault in (None, *Fault):
        it = made(servers)
        if name in BEFORE:
            BEFORE[name](it)
        it.server.faults.stall_seconds = 0.5
        if fault is not None:
            spoilt(it, CALLS[name], fault)
        else:
            CALLS[name](it)
        ends.append(end_of(it))
    for fault, found in zip(Fault, ends[1:], strict=True):
        assert found == ends[0], fault


def spoilt(it: World, call: Callable[[World], Any], fault: Fault) -> None:
    """Call again and again, the fault each time at the next request within the call, until none is left."""
    whole = it.gateway
    hasty = StripeGateway(
        api_key=it.server.api_key,
        base_url=it.server.url,
        webhook_secrets=("s",),
        answer_seconds=0.1 if fault is Fault.STALL else 5,
    )
    failed = 0
    for good in range(8):
        it.server.faults.order(fault, times=3, skip=good)
        it.gateway = hasty
        try:
            call(it)
        except GatewayUnavailable:
            failed += 1
        else:
            break
        finally:
            it.gateway = whole
            it.server.faults.clear()
    call(it)
    assert failed


@pytest.mark.django_db(transaction=False)
@pytest.mark.parametrize("name", CALLS)
def test_no_call_is_made_inside_a_transaction(name: str, servers: list[StripeServer], shared: None) -> None:
    server, at = StripeServer().start(), datetime.now(UTC)
    servers.append(server)
    gateway = StripeGateway(api_key=server.api_key, base_url=server.url, webhook_secrets=("s",))
    seen = SeenSubscription(
        ref="x",
        customer_ref="x",
        item_ref="x",
        price_ref="x",
        seats=1,
        currency="eur",
        status="active",
        status_reason="",
        period_start=at,
        period_end=at,
        trial_end=None,
        cancel_at=None,
        ended_at=None,
        pending_seats=None,
        pending_until=None,
        schedule_ref="x",
        latest_invoice_ref="x",
        metadata={},
    )
    it = World(server, at, gateway, seen, "x", "x", "x", "x", "x", "x", "x")
    with pytest.raises(NetworkInTransaction), transaction.atomic():
        CALLS[name](it)
    assert server.calls == []
