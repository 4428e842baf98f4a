"""Stripe's messages: kept once, worked off in any order, late, doubled, forged or not at all."""

import itertools
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction

from billing.enums import EventState, SubscriptionStatus
from billing.gateways.types import SeatsWish
from billing.models import BillingAccount, GatewayEvent, Subscription, SubscriptionInvoice
from billing.services.gateway import inbox, inbox_sweeps
from billing.services.gateway.following import SUBSCRIPTION
from billing.services.gateway.tickets import draw_ticket
from shared_apps.core import clock
from tenants.enums import OrganizationState
from tenants.models import Organization
from tests.billing.conftest import Account, deliver, deliver_all, events_of
from tests.fakes.stripe import Fault
from tests.fakes.stripe.webhooks import encode


def resize(account: Account, ref: str, seats: int) -> None:
    """Change the seats at the gateway, behind our back."""
    seen = account.gateway.look_subscription(ref)
    wish = SeatsWish(ref, seen.item_ref, seats, at=clock.now())
    account.gateway.change_seats(wish, idempotency_key=f"resize-{ref}-{seats}")


@pytest.mark.feature("SUB-02")
def test_a_paid_checkout_becomes_a_subscription_with_its_seats(account: Account) -> None:
    account.subscribe(seats=12)
    deliver_all(account.server)
    row = Subscription.objects.get()
    assert (row.organization_id, row.status, row.purchased) == (account.organization.id, "active", 12)
    account.organization.refresh_from_db()
    assert account.organization.state == OrganizationState.ACTIVE
    invoice = SubscriptionInvoice.objects.get()
    assert (invoice.total_minor, invoice.status, invoice.subscription_id) == (14_400, "paid", row.id)
    assert set(GatewayEvent.objects.values_list("state", flat=True)) == {"processed", "ignored"}


def test_a_message_delivered_three_times_is_kept_once(account: Account) -> None:
    account.subscribe()
    event = events_of(account.server)[-1]
    for _ in range(3):
        assert deliver(account.server, event).status_code == 200
    assert GatewayEvent.objects.filter(event_key=event["id"]).count() == 1


def test_every_order_of_messages_ends_alike(account: Account) -> None:
    ref = account.subscribe(seats=3)
    resize(account, ref, 5)
    resize(account, ref, 8)
    kinds = {"customer.subscription.created", "customer.subscription.updated"}
    events = [event for event in events_of(account.server) if event["type"] in kinds]
    assert len(events) == 3
    for order in itertools.permutations(events):
        Subscription.objects.all().delete()
        GatewayEvent.objects.all().delete()
        for event in order:
            deliver(account.server, event)
            inbox.process_event(event["id"])
        assert list(Subscription.objects.values_list("purchased", flat=True)) == [8]


def test_a_late_answer_does_not_undo_a_newer_one(account: Account) -> None:
    ref = account.subscribe(seats=3)
    old = account.gateway.look_subscription(ref)
    deliver_all(account.server)
    resize(account, ref, 9)
    first, second = [e["id"] for e in events_of(account.server) if e["type"].endswith(".updated")][-1:] * 2
    deliver(account.server, next(e for e in events_of(account.server) if e["id"] == first))
    slow_ticket = draw_ticket(ref)
    inbox.process_event(second)
    with transaction.atomic():
        assert not SUBSCRIPTION.do_apply_in_turn(ref, slow_ticket, old)
    assert Subscription.objects.get().purchased == 9


def test_forged_and_unsigned_messages_leave_nothing(account: Account) -> None:
    account.subscribe()
    event = events_of(account.server)[-1]
    good = account.server.postman.signature(encode(event))
    changed = {**event, "type": "invoice.paid", "id": "evt_forged"}
    for answer in (
        deliver(account.server, event, signature=""),
        deliver(account.server, changed, signature=good),
    ):
        assert answer.status_code == 400
        assert answer.json()["code"] == "signature_refused"
    assert not GatewayEvent.objects.exists()


def test_without_secrets_the_door_is_not_there(account: Account, settings: Any) -> None:
    account.subscribe()
    settings.STRIPE_WEBHOOK_SECRETS = []
    assert deliver(account.server, events_of(account.server)[-1]).status_code == 404


def test_metadata_of_another_organization_changes_nothing_of_it(
    account: Account, account_of: Callable[[Organization], Account], globex: Organization
) -> None:
    other = account_of(globex)
    ref = other.subscribe(seats=4)
    subscription = account.server.account.objects["subscription"][ref]
    subscription["metadata"] = {"reference": str(account.organization.id), "organization": "acme"}
    deliver_all(account.server)
    assert list(Subscription.objects.values_list("organization_id", "purchased")) == [(globex.id, 4)]


def test_a_gateway_that_is_away_is_asked_again(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    account.subscribe()
    event = next(e for e in events_of(account.server) if e["type"] == "customer.subscription.created")
    deliver(account.server, event)
    account.server.faults.order(Fault.ERROR_BEFORE, times=3)
    assert inbox.process_event(event["id"]) == EventState.FAILED
    row = GatewayEvent.objects.get(event_key=event["id"])
    assert (row.attempts, row.problem) == (1, "gateway_unavailable")
    assert inbox_sweeps.sweep() == 0
    later = row.next_try_at + timedelta(seconds=1)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert inbox_sweeps.sweep() == 1
    assert inbox.process_event(event["id"]) == EventState.PROCESSED


def test_a_customer_of_nobody_is_parked_after_all_tries(account: Account) -> None:
    account.subscribe()
    BillingAccount.objects.all().delete()
    event = next(e for e in events_of(account.server) if e["type"] == "customer.subscription.created")
    deliver(account.server, event)
    states = [inbox.process_event(event["id"]) for _ in range(inbox.MOST_ATTEMPTS + 1)]
    assert states == [EventState.FAILED] * (inbox.MOST_ATTEMPTS - 1) + [EventState.PARKED, None]
    assert not Subscription.objects.exists()


def test_what_never_arrived_is_found_by_asking(account: Account) -> None:
    account.subscribe()
    assert inbox_sweeps.fill_gaps() == len(events_of(account.server))
    assert inbox_sweeps.fill_gaps() == 0
    for event in events_of(account.server):
        inbox.process_event(event["id"])
    assert Subscription.objects.get().purchased == 10
    assert GatewayEvent.objects.filter(was_missed=False).count() == 0


def test_a_status_nobody_knows_gives_nothing(account: Account) -> None:
    ref = account.subscribe()
    account.server.account.objects["subscription"][ref]["status"] = "on_the_moon"
    deliver_all(account.server)
    assert Subscription.objects.get().status == SubscriptionStatus.UNPAID
