"""Whatever order and however slow: what stands here in the end is what stands there."""

import random
from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction

from billing.enums import EventState
from billing.gateways.types import SeenSubscription
from billing.models import (
    BillingAccount,
    Checkout,
    GatewayEvent,
    Refund,
    Subscription,
    SubscriptionInvoice,
)
from billing.services.gateway import inbox
from billing.services.gateway.following import SUBSCRIPTION
from billing.services.gateway.mirroring import do_apply_subscription
from billing.services.gateway.tickets import draw_ticket
from tests.billing.conftest import Account, deliver, deliver_all, events_of
from tests.billing.test_inbox_following import call
from tests.fakes.stripe import Fault

ROUNDS, UPDATES = 400, 4


@pytest.mark.slow
@pytest.mark.feature("P08")
def test_four_hundred_shuffles_of_updates_end_right(account: Account) -> None:
    """Every round changes the seats four times; the four messages' steps (ask, answer, write) run in any
    interleaving in which a message asks after its own change."""
    ref = account.subscribe(seats=3)
    deliver_all(account.server)
    wrong = {"with tickets": 0, "without": 0}
    order = random.Random(4)
    for number in range(ROUNDS):
        wanted, seen = play(account, ref, order, apply_with_ticket)
        wrong["with tickets"] += seen != wanted
        if number % 4 == 0:  # the same shuffles without tickets: proof that they are hard
            wanted, seen = play(account, ref, order, apply_at_once)
            wrong["without"] += seen != wanted
    assert wrong["with tickets"] == 0
    assert wrong["without"] >= 1


def apply_with_ticket(ref: str, ticket: int, seen: SeenSubscription) -> None:
    with transaction.atomic():
        SUBSCRIPTION.do_apply_in_turn(ref, ticket, seen)


def apply_at_once(ref: str, ticket: int, seen: SeenSubscription) -> None:
    with transaction.atomic():
        do_apply_subscription(seen)


def play(
    account: Account, ref: str, order: random.Random, apply: Callable[[str, int, SeenSubscription], None]
) -> tuple[int, int]:
    """Play one round; return the seats there and here at its end."""
    item = account.server.account.objects["subscription"][ref]["items"]["data"][0]
    next_step = [0] * UPDATES
    tickets, answers = [0] * UPDATES, [None] * UPDATES
    changes = order.sample(range(3, 500), UPDATES)
    while min(next_step) < 4:
        which = order.choice([each for each in range(UPDATES) if next_step[each] < 4])
        step = next_step[which]
        next_step[which] += 1
        if step == 0:
            item["quantity"] = changes[which]
        elif step == 1:
            tickets[which] = draw_ticket(ref)
        elif step == 2:
            answers[which] = account.gateway.look_subscription(ref)  # type: ignore[call-overload]
        else:
            answer: Any = answers[which]
            apply(ref, tickets[which], answer)
    return int(item["quantity"]), Subscription.objects.values_list("purchased", flat=True).get()


LOOKS = {
    "customer.subscription.created": "/v1/subscriptions/{subscription_exposed_id}",
    "invoice.paid": "/v1/invoices/{invoice}",
    "checkout.session.completed": "/v1/checkout/sessions/{session}",
    "customer.updated": "/v1/customers/{customer}",
    "refund.created": "/v1/refunds",
}


@pytest.fixture
def in_no_time(settings: Any, monkeypatch: pytest.MonkeyPatch, account: Account) -> Account:
    """Neither the SDK's waits nor a stall take long."""
    settings.STRIPE_ANSWER_SECONDS = 0.5  # a gateway of its own for this time-out
    account.server.faults.stall_seconds = 1.0
    monkeypatch.setattr("stripe._http_client.HTTPClient.INITIAL_DELAY", 0.01)
    monkeypatch.setattr("stripe._http_client.HTTPClient.MAX_DELAY", 0.01)
    return account


@pytest.mark.feature("PAY-13")
@pytest.mark.parametrize("fault", list(Fault))
@pytest.mark.parametrize("kind", list(LOOKS))
def test_each_look_that_fails_ends_as_one_that_did_not(in_no_time: Account, kind: str, fault: Fault) -> None:
    account = in_no_time
    account.subscribe(seats=6)
    customer = BillingAccount.objects.get().gateway_ref
    call(account, "post", f"customers/{customer}", name="Acme GmbH")
    invoice = account.server.account.all("invoice")[0]
    payment = invoice["payments"]["data"][0]["payment"]["payment_intent"]
    call(account, "post", "refunds", payment_intent=payment, amount=100)
    event = next(each for each in events_of(account.server) if each["type"] == kind)
    for other in events_of(account.server):
        deliver(account.server, other)
    # What the message needs to be there before is there; the message itself is not worked off.
    subject = GatewayEvent.objects.get(event_key=event["id"]).object_ref
    others = GatewayEvent.objects.filter(state="received").exclude(object_ref=subject)
    for key in list(others.order_by("id").values_list("event_key", flat=True)):
        inbox.process_event(key)
    # More often than the SDK tries again by itself.
    account.server.faults.order(fault, "get", LOOKS[kind], times=3)
    assert inbox.process_event(event["id"]) == EventState.FAILED
    account.server.faults.clear()
    open_events = GatewayEvent.objects.exclude(state__in=("processed", "ignored"))
    for _ in range(2):  # some wait for what others bring
        for key in list(open_events.values_list("event_key", flat=True)):
            inbox.process_event(key)
    assert not open_events.exists()
    assert (Subscription.objects.get().purchased, Checkout.objects.get().state) == (6, "complete")
    row = SubscriptionInvoice.objects.get()
    assert (row.status, row.paid_minor, row.refunded_minor) == ("paid", 7200, 100)
    assert BillingAccount.objects.get().name == "Acme GmbH"
    assert Refund.objects.count() == 1


def test_a_key_that_was_rolled_gives_no_message_up(account: Account) -> None:
    account.subscribe()
    event = next(e for e in events_of(account.server) if e["type"] == "invoice.paid")
    deliver(account.server, event)
    account.server.api_key = "sk_another"
    assert inbox.process_event(event["id"]) == EventState.FAILED
    assert GatewayEvent.objects.get(event_key=event["id"]).problem == "gateway_unavailable"
    account.server.api_key = "sk_test_palaestra"
    assert inbox.process_event(event["id"]) == EventState.PROCESSED
