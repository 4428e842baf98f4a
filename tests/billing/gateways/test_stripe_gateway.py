"""The Stripe adapter against the counterpart over HTTP: what it asks, what it sees, how it fails."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import requests
from django.db import transaction

from billing.errors import CardDeclined, GatewayRefused, GatewayUnavailable
from billing.gateways.stripe_gateway import BadSignature, NetworkInTransaction, StripeGateway, stripe_gateway
from billing.gateways.types import CheckoutWish, PriceWish, SeatsWish, SeenSubscription, TermsWish
from shared_apps.core import clock
from tests.fakes.stripe import Fault, StripeServer
from tests.fakes.stripe.webhooks import encode

SECRET = "whsec_test"


@pytest.fixture
def server() -> Iterator[StripeServer]:
    running = StripeServer().start()
    yield running
    running.stop()
    assert running.refused == []


@pytest.fixture
def gateway(server: StripeServer) -> StripeGateway:
    return StripeGateway(api_key=server.api_key, base_url=server.url, webhook_secrets=(SECRET,))


def sell(gateway: StripeGateway, *, unit_minor: int = 1200) -> str:
    gateway.ensure_product("team", name="Team", description="")
    wish = PriceWish("team-month-eur", "team", "eur", unit_minor, "month", 1, "exclusive")
    return gateway.create_price(wish).ref


def checkout_wish(gateway: StripeGateway, *, seats: int = 10, trial_days: int = 0) -> CheckoutWish:
    customer = gateway.create_customer(
        name="Acme",
        email="billing@acme.example",
        metadata={"organization": "1"},
        idempotency_key="customer-1",
    )
    return CheckoutWish(
        reference="row-1",
        customer_ref=customer,
        price_ref=sell(gateway),
        seats=seats,
        success_url="https://acme.example/done",
        cancel_url="https://acme.example/plans",
        expires_at=datetime.now(UTC) + timedelta(minutes=45),
        trial_days=trial_days,
        card_now=not trial_days,
    )


def subscribed(server: StripeServer, gateway: StripeGateway, card: str = "ok") -> SeenSubscription:
    started = gateway.start_checkout(checkout_wish(gateway), idempotency_key="checkout-1")
    requests.post(f"{server.url}/_payer/checkout/{started.ref}/pay", data={"card": card}, timeout=60)
    return gateway.look_subscription(gateway.look_checkout(started.ref).subscription_ref)


def test_a_page_is_settled_only_when_it_is_paid(server: StripeServer, gateway: StripeGateway) -> None:
    started = gateway.start_checkout(checkout_wish(gateway), idempotency_key="checkout-1")
    assert (started.status, started.is_settled, started.reference) == ("open", False, "row-1")
    requests.post(f"{server.url}/_payer/checkout/{started.ref}/pay", data={"card": "bank"}, timeout=60)
    waiting = gateway.look_checkout(started.ref)
    assert (waiting.status, waiting.is_settled) == ("complete", False)
    requests.post(f"{server.url}/_payer/checkout/{started.ref}/async_ok", timeout=60)
    assert gateway.look_checkout(started.ref).is_settled


def test_a_subscription_is_read_from_its_item(server: StripeServer, gateway: StripeGateway) -> None:
    seen = subscribed(server, gateway)
    assert (seen.seats, seen.status, seen.pending_seats, seen.metadata["reference"]) == (
        10,
        "active",
        None,
        "row-1",
    )
    assert timedelta(days=28) <= seen.period_end - seen.period_start <= timedelta(days=31)


def test_a_preview_and_its_change_come_to_the_same(server: StripeServer, gateway: StripeGateway) -> None:
    seen = subscribed(server, gateway)
    wish = SeatsWish(seen.ref, seen.item_ref, 17, at=clock.now())
    preview = gateway.preview_seats(wish)
    changed = gateway.change_seats(wish, idempotency_key="change-1")
    invoice = gateway.look_invoice(changed.latest_invoice_ref)
    assert (changed.seats, invoice.status, invoice.total_minor) == (17, "paid", preview.total_minor)
    assert [line.net_minor for line in invoice.lines] == [line.net_minor for line in preview.lines]
    assert preview.total_minor > 0
    again = gateway.change_seats(wish, idempotency_key="change-1")
    assert (again.latest_invoice_ref, len(gateway.list_invoices(seen.customer_ref))) == (invoice.ref, 2)


def test_a_declined_card_leaves_the_old_seats(server: StripeServer, gateway: StripeGateway) -> None:
    seen = subscribed(server, gateway)
    requests.post(
        f"{server.url}/_payer/customers/{seen.customer_ref}/card", data={"card": "decline"}, timeout=60
    )
    wish = SeatsWish(seen.ref, seen.item_ref, 30, at=clock.now())
    changed = gateway.change_seats(wish, idempotency_key="change-1")
    assert (changed.seats, changed.pending_seats) == (10, 30)


def test_fewer_seats_are_scheduled_and_taken_back(server: StripeServer, gateway: StripeGateway) -> None:
    seen = subscribed(server, gateway)
    wish = TermsWish(seen.price_ref, 4, "month", 1)
    gateway.schedule_terms(seen, wish, idempotency_key="shrink-1")
    schedule = gateway.look_subscription(seen.ref).schedule_ref
    assert schedule
    gateway.release_schedule(schedule, idempotency_key="keep-1")
    assert gateway.look_subscription(seen.ref).schedule_ref == ""


def test_it_is_paused_resumed_ended(server: StripeServer, gateway: StripeGateway) -> None:
    seen = subscribed(server, gateway)
    paused = gateway.pause(seen.ref, idempotency_key="pause-1")
    assert (paused.status, paused.status_reason) == ("paused", "pause_requested")
    assert gateway.resume(seen.ref, idempotency_key="resume-1").status == "active"
    ending = gateway.end_at_period_end(seen.ref, ending=True, idempotency_key="end-1")
    assert ending.cancel_at == ending.period_end
    assert gateway.end_at_period_end(seen.ref, ending=False, idempotency_key="end-2").cancel_at is None
    assert gateway.cancel(seen.ref, idempotency_key="cancel-1").status == "canceled"


def test_a_catalogue_can_be_sent_twice(gateway: StripeGateway) -> None:
    first = sell(gateway)
    gateway.ensure_product("team", name="Team, renamed", description="For many")
    assert gateway.find_price("team-month-eur") is not None
    assert sell(gateway) == first
    assert gateway.find_price("team-year-eur") is None


@pytest.mark.parametrize("fault", [Fault.ERROR_BEFORE, Fault.ERROR_AFTER, Fault.DROP_AFTER])
def test_one_fault_is_got_over_with_one_effect(
    server: StripeServer, gateway: StripeGateway, fault: Fault
) -> None:
    seen = subscribed(server, gateway)
    server.faults.order(fault, "post", "/v1/subscriptions/{subscription_exposed_id}")
    wish = SeatsWish(seen.ref, seen.item_ref, 11, at=clock.now())
    assert gateway.change_seats(wish, idempotency_key="change-1").seats == 11
    assert len(gateway.list_invoices(seen.customer_ref)) == 2


def test_a_busy_or_broken_gateway_is_said_to_be_away(server: StripeServer, gateway: StripeGateway) -> None:
    server.faults.order(Fault.TOO_MANY, times=1)
    with pytest.raises(GatewayUnavailable):
        gateway.find_price("x")
    server.faults.order(Fault.ERROR_BEFORE, times=3)
    with pytest.raises(GatewayUnavailable):
        gateway.find_price("x")


def test_what_stripe_refuses_is_no_outage(gateway: StripeGateway) -> None:
    with pytest.raises(GatewayRefused) as refused:
        gateway.look_subscription("sub_unknown")
    assert refused.value.facts == {"reason": "resource_missing"}


def test_a_declined_payment_says_so(server: StripeServer, gateway: StripeGateway) -> None:
    seen = subscribed(server, gateway)
    server.account.cards[seen.customer_ref] = "decline"
    gateway.change_seats(SeatsWish(seen.ref, seen.item_ref, 12, at=clock.now()), idempotency_key="change-1")
    unpaid = gateway.list_invoices(seen.customer_ref)[0]
    with pytest.raises(CardDeclined):
        gateway.pay_invoice(unpaid.ref, idempotency_key="pay-1")
    server.account.cards[seen.customer_ref] = "ok"
    assert gateway.pay_invoice(unpaid.ref, idempotency_key="pay-2").status == "paid"
    assert gateway.look_subscription(seen.ref).seats == 12


@pytest.mark.django_db(transaction=False)
def test_it_cannot_be_called_inside_a_transaction(gateway: StripeGateway, shared: None) -> None:
    assert gateway.find_price("x") is None
    with pytest.raises(NetworkInTransaction), transaction.atomic():
        gateway.find_price("x")


class TestVerify:
    """What counts as signed."""

    def event(self, server: StripeServer, gateway: StripeGateway) -> bytes:
        subscribed(server, gateway)
        return encode(server.account.all("event", type="customer.subscription.created")[0])

    def test_a_signed_body_names_its_object(self, server: StripeServer, gateway: StripeGateway) -> None:
        body = self.event(server, gateway)
        notice = gateway.verify(body, server.postman.signature(body))
        assert notice.kind == "customer.subscription.created"
        assert notice.object_ref.startswith("sub_")

    def test_a_rolled_secret_is_good_while_both_are_known(
        self, server: StripeServer, gateway: StripeGateway
    ) -> None:
        body = self.event(server, gateway)
        server.postman.settings.secret = "whsec_new"
        with pytest.raises(BadSignature):
            gateway.verify(body, server.postman.signature(body))
        server.postman.settings.old_secret = SECRET
        assert gateway.verify(body, server.postman.signature(body)).key.startswith("evt_")

    def test_other_bodies_times_and_secrets_are_refused(
        self, server: StripeServer, gateway: StripeGateway
    ) -> None:
        body = self.event(server, gateway)
        good = server.postman.signature(body)
        server.postman.settings.age = 400
        old = server.postman.signature(body)
        server.postman.settings.age = -400
        future = server.postman.signature(body)
        without = StripeGateway(api_key="x", base_url=server.url, webhook_secrets=("",))
        for receiver, content, signature in (
            (gateway, body + b" ", good),
            (gateway, body, old),
            (gateway, body, future),
            (gateway, body, ""),
            (gateway, body, f"t={int(time.time())},v1=00"),
            (without, body, good),
        ):
            with pytest.raises(BadSignature):
                receiver.verify(content, signature)


def test_without_a_key_there_is_no_gateway() -> None:
    assert stripe_gateway() is None
