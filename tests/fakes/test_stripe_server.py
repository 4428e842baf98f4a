"""The counterpart of Stripe, by the real SDK over HTTP: sums to the cent, states by the clock, faults."""

import http.server
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
import requests
import stripe
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.stripe import Fault, StripeServer

DAY = 86_400
START = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp())
MIDDLE = START + 31 * DAY // 2


@pytest.fixture
def server() -> Iterator[StripeServer]:
    running = StripeServer().start()
    yield running
    running.stop()
    assert running.refused == []


@dataclass
class Customer:
    """A customer at a test clock, with a subscription of ten seats at 10.00 EUR a month."""

    server: StripeServer
    client: Any
    clock: str
    id: str
    price: str
    subscription: str = ""

    def read(self) -> Any:
        return self.client.v1.subscriptions.retrieve(self.subscription)

    @property
    def item(self) -> Any:
        return self.read()["items"].data[0]

    def move_to(self, instant: int) -> None:
        self.client.v1.test_helpers.test_clocks.advance(self.clock, {"frozen_time": instant})

    def pays(self, card: str) -> None:
        requests.post(f"{self.server.url}/_payer/customers/{self.id}/card", data={"card": card}, timeout=60)

    def resize(self, seats: int, *, at: int, **more: Any) -> Any:
        return self.client.v1.subscriptions.update(
            self.subscription,
            {
                "items": [{"id": self.item.id, "quantity": seats}],
                "proration_behavior": "always_invoice",
                "proration_date": at,
                "payment_behavior": "pending_if_incomplete",
                **more,
            },
        )

    def preview(self, seats: int, *, at: int) -> Any:
        return self.client.v1.invoices.create_preview(
            {
                "subscription": self.subscription,
                "subscription_details": {
                    "items": [{"id": self.item.id, "quantity": seats}],
                    "proration_behavior": "always_invoice",
                    "proration_date": at,
                },
            }
        )

    def invoices(self) -> list[Any]:
        return list(self.client.v1.invoices.list({"customer": self.id, "limit": 100}).data)


def new_customer(server: StripeServer, **price: Any) -> Customer:
    client = stripe.StripeClient(server.api_key, base_addresses={"api": server.url}, max_network_retries=2)
    clock = client.v1.test_helpers.test_clocks.create({"frozen_time": START})
    product = client.v1.products.create({"name": "Team"})
    wanted: Any = {"unit_amount": 1000, "recurring": {"interval": "month"}, **price}
    wanted |= {"product": product.id, "currency": "eur", "tax_behavior": "exclusive"}
    made = client.v1.prices.create(wanted)
    customer = client.v1.customers.create({"email": "ada@acme.example", "test_clock": clock.id})
    return Customer(server, client, clock.id, customer.id, made.id)


def subscribe(customer: Customer, *, card: str = "ok", seats: int = 10, **more: Any) -> Any:
    session = customer.client.v1.checkout.sessions.create(
        {
            "mode": "subscription",
            "ui_mode": "hosted_page",
            "customer": customer.id,
            "line_items": [{"price": customer.price, "quantity": seats}],
            "success_url": "https://acme.example/done?session={CHECKOUT_SESSION_ID}",
            **more,
        }
    )
    answer = requests.post(
        f"{customer.server.url}/_payer/checkout/{session.id}/pay", data={"card": card}, timeout=60
    )
    assert answer.status_code == 200, answer.text
    customer.subscription = answer.json()["subscription"]
    return answer.json()


@pytest.fixture
def acme(server: StripeServer) -> Customer:
    customer = new_customer(server)
    subscribe(customer)
    return customer


def test_a_paid_checkout_makes_an_active_subscription(acme: Customer) -> None:
    subscription = acme.read()
    assert (subscription.status, acme.item.quantity) == ("active", 10)
    assert [(row.total, row.status, row.billing_reason) for row in acme.invoices()] == [
        (10_000, "paid", "subscription_create")
    ]
    assert acme.item.current_period_end == START + 31 * DAY


def test_more_seats_in_the_middle_cost_half_a_month(acme: Customer) -> None:
    acme.move_to(MIDDLE)
    preview = acme.preview(15, at=MIDDLE)
    acme.resize(15, at=MIDDLE)
    invoice = acme.invoices()[0]
    assert [row.amount for row in invoice.lines.data] == [-5_000, 7_500]
    assert (invoice.total, preview.total, acme.item.quantity) == (2_500, 2_500, 15)


def test_fewer_seats_now_become_a_credit_that_pays_the_next_invoice(acme: Customer) -> None:
    acme.move_to(MIDDLE)
    acme.resize(4, at=MIDDLE)
    assert acme.client.v1.customers.retrieve(acme.id).balance == -3_000
    acme.move_to(START + 32 * DAY)
    renewal = acme.invoices()[0]
    assert (renewal.total, renewal.amount_due, renewal.amount_paid) == (4_000, 1_000, 1_000)
    assert acme.client.v1.customers.retrieve(acme.id).balance == 0


def test_a_declined_card_leaves_the_old_number_and_a_pending_update(acme: Customer) -> None:
    acme.pays("decline")
    changed = acme.resize(20, at=START)
    assert (changed.status, acme.item.quantity) == ("active", 10)
    assert changed.pending_update.subscription_items[0].quantity == 20
    acme.pays("ok")
    acme.client.v1.invoices.pay(changed.latest_invoice)
    assert (acme.item.quantity, acme.read().pending_update) == (20, None)


def test_a_pending_update_runs_out(acme: Customer) -> None:
    acme.pays("decline")
    changed = acme.resize(20, at=START)
    acme.move_to(START + DAY)
    assert (acme.item.quantity, acme.read().pending_update) == (10, None)
    assert acme.client.v1.invoices.retrieve(changed.latest_invoice).status == "void"


def test_a_failing_renewal_is_past_due_and_then_unpaid_and_heals(acme: Customer) -> None:
    acme.pays("decline")
    acme.move_to(START + 32 * DAY)
    assert acme.read().status == "past_due"
    acme.move_to(START + 50 * DAY)
    assert acme.read().status == "unpaid"
    acme.pays("ok")
    acme.client.v1.invoices.pay(acme.invoices()[0].id)
    assert acme.read().status == "active"


def test_a_trial_without_a_card_pauses_when_asked(server: StripeServer) -> None:
    customer = new_customer(server)
    data = {"trial_period_days": 14, "trial_settings": {"end_behavior": {"missing_payment_method": "pause"}}}
    session = subscribe(customer, card="", payment_method_collection="if_required", subscription_data=data)
    assert (session["payment_status"], customer.read().status) == ("no_payment_required", "trialing")
    customer.move_to(START + 15 * DAY)
    paused = customer.read()
    assert paused.status == "paused"
    assert paused.status_details.paused.subscription.type == "trial_end_without_payment_method"


def test_a_schedule_lowers_the_seats_at_the_next_period(acme: Customer) -> None:
    schedules = acme.client.v1.subscription_schedules
    schedule = schedules.create({"from_subscription": acme.subscription})
    phases = [
        {"items": [{"price": acme.price, "quantity": 10}], "start_date": START, "end_date": START + 31 * DAY},
        {"items": [{"price": acme.price, "quantity": 6}]},
    ]
    schedules.update(schedule.id, {"phases": phases, "end_behavior": "release"})
    acme.move_to(START + 32 * DAY)
    assert (acme.item.quantity, acme.invoices()[0].total) == (6, 6_000)
    assert schedules.retrieve(schedule.id).status == "released"


def test_cancelled_at_the_end_it_runs_to_the_end(acme: Customer) -> None:
    acme.client.v1.subscriptions.update(acme.subscription, {"cancel_at_period_end": True})
    acme.move_to(START + 30 * DAY)
    assert acme.read().status == "active"
    acme.move_to(START + 32 * DAY)
    assert (acme.read().status, len(acme.invoices())) == ("canceled", 1)


def test_a_coupon_for_one_invoice_is_credited_at_what_was_paid(server: StripeServer) -> None:
    customer = new_customer(server)
    coupon = customer.client.v1.coupons.create({"percent_off": 50, "duration": "once"})
    subscribe(customer, discounts=[{"coupon": coupon.id}])
    assert customer.invoices()[0].total == 5_000
    customer.move_to(START + 32 * DAY)
    assert customer.invoices()[0].total == 10_000


def test_taxes_go_on_top_and_a_vat_id_of_another_country_turns_them(server: StripeServer) -> None:
    totals = []
    for country, vat in (("DE", ""), ("FR", ""), ("FR", "FR12345678901")):
        customer = new_customer(server)
        customer.client.v1.customers.update(customer.id, {"address": {"country": country}})
        if vat:
            customer.client.v1.customers.tax_ids.create(customer.id, {"type": "eu_vat", "value": vat})
        subscribe(customer, automatic_tax={"enabled": True})
        totals.append(customer.invoices()[0].total)
    assert totals == [11_900, 12_000, 10_000]


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 400), st.integers(1, 2 * DAY)), min_size=1, max_size=6))
def test_a_preview_is_the_invoice(changes: list[tuple[int, int]]) -> None:
    server = StripeServer().start()
    try:
        customer = new_customer(server, unit_amount=1299)
        subscribe(customer)
        instant = START
        for seats, wait in changes:
            instant += wait
            customer.move_to(instant)
            preview = customer.preview(seats, at=instant)
            before = len(customer.invoices())
            customer.resize(seats, at=instant)
            made = customer.invoices()[: len(customer.invoices()) - before]
            assert sum(row.total for row in made) == preview.total
    finally:
        server.stop()


@pytest.mark.parametrize("fault", [Fault.ERROR_BEFORE, Fault.ERROR_AFTER, Fault.DROP_AFTER])
def test_a_fault_and_the_same_key_make_one_customer(server: StripeServer, fault: Fault) -> None:
    customer = new_customer(server)
    before = len(server.account.objects["customer"])
    server.faults.order(fault, "post", "/v1/customers")
    customer.client.v1.customers.create({"email": "bob@acme.example"})
    assert len(server.account.objects["customer"]) == before + 1


def test_a_key_with_another_body_is_refused(server: StripeServer) -> None:
    client = new_customer(server).client
    first = client.v1.customers.create({"name": "A"}, {"idempotency_key": "k"})
    assert client.v1.customers.create({"name": "A"}, {"idempotency_key": "k"}).id == first.id
    with pytest.raises(stripe.IdempotencyError):
        client.v1.customers.create({"name": "B"}, {"idempotency_key": "k"})


class Receiver:
    """A webhook endpoint that verifies what it gets by the SDK; the first `failures` are answered 500."""

    def __init__(self, secret: str, failures: int = 0) -> None:
        self.events: list[tuple[str, str]] = []
        receiver, left = self, [failures]

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                event = stripe.Webhook.construct_event(body, self.headers["Stripe-Signature"], secret)
                left[0] -= 1
                if left[0] < 0:
                    receiver.events.append((event.id, event.type))
                self.send_response(500 if left[0] >= 0 else 200)
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}/"
        threading.Thread(target=self.http.serve_forever, args=(0.05,), daemon=True).start()


def test_events_are_signed_repeated_shuffled_and_dropped_as_the_switches_say(server: StripeServer) -> None:
    receiver = Receiver("whsec_test", failures=2)
    post = server.postman
    post.settings.url, post.settings.copies, post.settings.hold = receiver.url, 3, True
    post.settings.shuffle, post.settings.drop = True, {"product.created"}
    subscribe(new_customer(server))
    assert receiver.events == []
    sent = post.release()
    assert post.wait()
    receiver.http.shutdown()
    receiver.http.server_close()
    kinds = [kind for _, kind in receiver.events]
    assert len(receiver.events) == sent
    assert kinds.count("customer.subscription.created") == 3
    assert "product.created" not in kinds
    known = [event["id"] for event in server.account.all("event")]
    assert [event for event, _ in receiver.events] != [each for each in known for _ in range(3)]


def test_a_person_can_pay_on_the_page(server: StripeServer) -> None:
    customer = new_customer(server)
    session = customer.client.v1.checkout.sessions.create(
        {
            "mode": "subscription",
            "customer": customer.id,
            "line_items": [{"price": customer.price, "quantity": 3}],
            "success_url": "https://acme.example/done?session={CHECKOUT_SESSION_ID}",
        }
    )
    assert "3 × Team" in requests.get(session.url, timeout=60).text
    declined = requests.post(session.url, data={"card": "decline"}, timeout=60)
    assert "Your card was declined." in declined.text
    paid = requests.post(session.url, data={"card": "ok"}, timeout=60, allow_redirects=False)
    assert (paid.status_code, paid.headers["Location"]) == (
        303,
        f"https://acme.example/done?session={session.id}",
    )


def test_a_refund_is_made_of_what_is_left_and_may_take_days_and_come_back(acme: Customer) -> None:
    [invoice] = acme.client.v1.invoices.list({"customer": acme.id, "expand": ["data.payments"]}).data
    payment = invoice.payments.data[0].payment.payment_intent
    refunds = acme.client.v1.refunds
    first = refunds.create({"payment_intent": payment, "amount": 4_000})
    assert (first.status, first.amount, first.currency) == ("succeeded", 4_000, "eur")
    with pytest.raises(stripe.InvalidRequestError):
        refunds.create({"payment_intent": payment, "amount": 6_001})
    acme.server.account.refunds_begin = "pending"
    second = refunds.create({"payment_intent": payment})
    assert (second.status, second.amount) == ("pending", 6_000)
    requests.post(f"{acme.server.url}/_payer/refunds/{second.id}/bounce", timeout=60)
    assert refunds.retrieve(second.id).status == "failed"
    third = refunds.create({"payment_intent": payment, "amount": 6_000})
    requests.post(f"{acme.server.url}/_payer/refunds/{third.id}/arrive", timeout=60)
    assert refunds.retrieve(third.id).status == "succeeded"
