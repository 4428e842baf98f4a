"""What each of Stripe's messages brings about, and what becomes of those that cannot be worked off."""

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import requests

from billing.enums import CheckoutState, EventState, RefundState, SubscriptionStatus
from billing.models import (
    BillingAccount,
    Checkout,
    Drift,
    GatewayEvent,
    Plan,
    Refund,
    Subscription,
    SubscriptionInvoice,
)
from billing.services.gateway import inbox, inbox_sweeps
from billing.services.gateway.mirroring_invoices import do_apply_payment
from billing.services.seats.seats import do_assign_seats
from shared_apps.audit.models import AuditEvent
from shared_apps.core import clock
from shared_apps.core.actors import system_actor
from shared_apps.core.transactions import entry_transaction
from shared_apps.outbox.models import OutboxMessage
from tenants.context import in_public
from tenants.models import Organization
from tests.billing.conftest import Account, deliver, deliver_all, events_of
from tests.billing.test_inbox import resize
from tests.support.seed import make_member
from tests.support.subscriptions import make_subscription


def call(account: Account, verb: str, path: str, **data: Any) -> dict[str, Any]:
    """Do something at the gateway behind our back."""
    answer = requests.request(
        verb,
        f"{account.server.url}/v1/{path}",
        data=data,
        headers={"Authorization": f"Bearer {account.server.api_key}"},
        timeout=5,
    )
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def work(account: Account, kind: str) -> EventState | None:
    """Deliver the newest message of the kind and work it off."""
    event = next(each for each in reversed(events_of(account.server)) if each["type"] == kind)
    assert deliver(account.server, event).status_code == 200
    return inbox.process_event(event["id"])


def the_event(kind: str) -> GatewayEvent:
    return GatewayEvent.objects.filter(kind=kind).latest("id")


# --- What is followed -------------------------------------------------------------------------------


@pytest.mark.feature("SUB-07")
def test_an_invoice_goes_through_all_its_states(account: Account) -> None:
    ref = account.subscribe(seats=4)
    deliver_all(account.server)
    account.card("decline")
    resize(account, ref, 9)
    deliver_all(account.server)
    invoice = SubscriptionInvoice.objects.exclude(status="paid").get()
    assert (invoice.status, invoice.attempts, invoice.paid_minor) == ("open", 1, 0)
    assert invoice.next_attempt_at is not None
    call(account, "post", f"invoices/{invoice.gateway_ref}/mark_uncollectible")
    assert work(account, "invoice.marked_uncollectible") == EventState.PROCESSED
    invoice.refresh_from_db()
    assert invoice.status == "uncollectible"
    assert SubscriptionInvoice.objects.filter(id=invoice.id, next_attempt_at=None).exists()
    call(account, "post", f"invoices/{invoice.gateway_ref}/void")
    assert work(account, "invoice.voided") == EventState.PROCESSED
    invoice.refresh_from_db()
    there = account.server.account.objects["invoice"][invoice.gateway_ref]
    assert (invoice.status, invoice.total_minor) == ("void", there["total"])
    paid = SubscriptionInvoice.objects.get(status="paid")
    assert paid.payment_ref.startswith("pi_")


def test_a_draft_that_was_deleted_is_owed_by_nobody(account: Account) -> None:
    account.subscribe()
    deliver_all(account.server)
    invoice = SubscriptionInvoice.objects.get()
    SubscriptionInvoice.objects.update(status="draft")
    shown = account.server.account.objects["invoice"].pop(invoice.gateway_ref)
    account.server.account.tell("invoice.deleted", shown, at=account.server.account.now())
    assert work(account, "invoice.deleted") == EventState.PROCESSED
    assert SubscriptionInvoice.objects.get().status == "void"


def test_money_given_back_at_the_dashboard_stands_on_the_invoice(account: Account) -> None:
    account.subscribe(seats=10)
    deliver_all(account.server)
    invoice = SubscriptionInvoice.objects.get()
    call(account, "post", "refunds", payment_intent=invoice.payment_ref, amount=500)
    call(account, "post", "refunds", payment_intent=invoice.payment_ref, amount=700)
    deliver_all(account.server)
    invoice.refresh_from_db()
    assert invoice.refunded_minor == 1200
    rows = Refund.objects.order_by("amount_minor").values_list("amount_minor", "state", "requested_by_id")
    assert list(rows) == [(500, "succeeded", None), (700, "succeeded", None)]
    assert AuditEvent.objects.filter(action="billing.refund_seen").count() == 2


def test_a_refund_of_ours_is_matched_by_its_reference_and_not_told_twice(account: Account) -> None:
    account.subscribe(seats=10)
    deliver_all(account.server)
    invoice = SubscriptionInvoice.objects.get()
    ours = Refund.objects.create(
        organization=account.organization, invoice=invoice, amount_minor=300, currency="eur"
    )
    # The answer to our call was lost; only the message tells that it was made.
    made = call(
        account,
        "post",
        "refunds",
        **{"payment_intent": invoice.payment_ref, "amount": 300, "metadata[reference]": str(ours.id)},
    )
    deliver_all(account.server)
    ours = Refund.objects.get()
    assert (ours.state, ours.gateway_ref) == (RefundState.SUCCEEDED, made["id"])
    account.server.account.objects["refund"][made["id"]]["status"] = "failed"
    account.server.account.tell(
        "refund.failed",
        account.server.account.objects["refund"][made["id"]],
        at=account.server.account.now(),
    )
    assert work(account, "refund.failed") == EventState.PROCESSED
    ours.refresh_from_db()
    invoice.refresh_from_db()
    assert (ours.state, invoice.refunded_minor) == (RefundState.FAILED, 0)


def test_a_refund_before_its_invoice_waits_for_it(account: Account) -> None:
    account.subscribe(seats=10)
    invoice = account.server.account.all("invoice")[0]
    call(
        account, "post", "refunds", payment_intent=invoice["payments"]["data"][0]["payment"]["payment_intent"]
    )
    assert work(account, "refund.created") == EventState.FAILED
    assert the_event("refund.created").problem.startswith("payment_not_here_yet")
    assert work(account, "invoice.paid") == EventState.PROCESSED
    assert inbox.process_event(the_event("refund.created").event_key) == EventState.PROCESSED
    assert SubscriptionInvoice.objects.get().refunded_minor == 12_000


def test_a_refund_of_something_else_is_none_of_ours(account: Account) -> None:
    seen = account.gateway.look_payment("pi_of_another_shop")
    with entry_transaction():
        assert do_apply_payment(seen) is None


def test_name_address_and_tax_ids_follow_the_customer(account: Account) -> None:
    account.subscribe()
    customer = BillingAccount.objects.get().gateway_ref
    call(account, "post", f"customers/{customer}", name="Acme GmbH", **{"address[country]": "DE"})
    assert work(account, "customer.updated") == EventState.PROCESSED
    call(account, "post", f"customers/{customer}/tax_ids", type="eu_vat", value="DE123456789")
    assert work(account, "customer.tax_id.created") == EventState.PROCESSED
    row = BillingAccount.objects.get()
    assert (row.name, row.address, row.has_payment_method) == ("Acme GmbH", {"country": "DE"}, True)
    assert [each["value"] for each in row.tax_ids] == ["DE123456789"]


def test_a_customer_that_was_deleted_is_a_drift_and_its_subscription_over(account: Account) -> None:
    account.subscribe()
    deliver_all(account.server)
    customer = BillingAccount.objects.get().gateway_ref
    call(account, "delete", f"customers/{customer}")
    deliver_all(account.server)
    assert Subscription.objects.get().status == SubscriptionStatus.CANCELED
    drift = Drift.objects.get()
    assert (drift.organization_id, drift.subject, drift.fact) == (
        account.organization.id,
        customer,
        "customer_deleted",
    )
    assert not BillingAccount.objects.get().has_payment_method


@pytest.mark.feature("SUB-05")
def test_paused_and_resumed_and_a_schedule_are_followed(account: Account) -> None:
    ref = account.subscribe(seats=6)
    deliver_all(account.server)
    call(account, "post", f"subscriptions/{ref}/pause")
    assert work(account, "customer.subscription.paused") == EventState.PROCESSED
    row = Subscription.objects.get()
    assert (row.status, row.status_reason) == ("paused", "pause_requested")
    call(account, "post", f"subscriptions/{ref}/resume")
    assert work(account, "customer.subscription.resumed") == EventState.PROCESSED
    assert Subscription.objects.get().status == "active"
    schedule = call(account, "post", "subscription_schedules", from_subscription=ref)["id"]
    call(account, "post", f"subscription_schedules/{schedule}", end_behavior="release")
    assert work(account, "subscription_schedule.updated") == EventState.PROCESSED
    assert Subscription.objects.get().schedule_ref == schedule
    call(account, "post", f"subscription_schedules/{schedule}/release")
    assert work(account, "subscription_schedule.released") == EventState.PROCESSED
    assert Subscription.objects.get().schedule_ref == ""


# --- Pages of sign-ups --------------------------------------------------------------------------------


def a_sign_up_page(account: Account, *, state: str = CheckoutState.OPEN) -> Checkout:
    """Make the organization's page one of somebody who signs up."""
    page = account.open_page(seats=5)
    BillingAccount.objects.all().delete()
    page.sign_up_id, page.organization = uuid.uuid4(), None
    page.save_fields("sign_up_id", "organization")
    return page


def told(page: Checkout) -> list[dict[str, Any]]:
    rows = OutboxMessage.objects.filter(topic="billing.checkout_paid")
    return [row.payload for row in rows]


def pay(account: Account, page: Checkout, act: str = "pay", card: str = "ok") -> None:
    url = f"{account.server.url}/_payer/checkout/{page.gateway_ref}/{act}"
    assert requests.post(url, data={"card": card}, timeout=5).status_code == 200


def test_a_paid_page_of_a_sign_up_is_told_once_however_often_it_is_seen(account: Account) -> None:
    page = a_sign_up_page(account)
    pay(account, page)
    assert work(account, "checkout.session.completed") == EventState.PROCESSED
    for _ in range(3):
        GatewayEvent.objects.update(state="received")
        assert work(account, "checkout.session.completed") == EventState.PROCESSED
    assert told(page) == [{"checkout_id": str(page.id)}]


def test_a_page_that_waits_for_the_bank_is_told_when_the_bank_paid(account: Account) -> None:
    page = a_sign_up_page(account)
    pay(account, page, card="bank")
    assert work(account, "checkout.session.completed") == EventState.PROCESSED
    assert told(page) == []
    pay(account, page, act="async_ok")
    assert work(account, "checkout.session.async_payment_succeeded") == EventState.PROCESSED
    assert told(page) == [{"checkout_id": str(page.id)}]


@pytest.mark.parametrize(("act", "kind"), [("async_fail", "async_payment_failed"), ("abandon", "expired")])
def test_a_page_that_was_never_paid_is_not_told(account: Account, act: str, kind: str) -> None:
    page = a_sign_up_page(account)
    if act == "async_fail":
        pay(account, page, card="bank")
    pay(account, page, act=act)
    assert work(account, f"checkout.session.{kind}") == EventState.PROCESSED
    assert told(page) == []
    page.refresh_from_db()
    assert page.state == (CheckoutState.EXPIRED if act == "abandon" else CheckoutState.COMPLETE)


def test_a_subscription_waits_for_the_organization_that_is_being_made(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = a_sign_up_page(account)
    pay(account, page)
    kind = "customer.subscription.created"
    states = {work(account, kind) for _ in range(inbox.MOST_ATTEMPTS * 2)}
    assert states == {EventState.FAILED}
    event = the_event(kind)
    assert (event.attempts, event.problem) == (0, "sign_up_under_way")
    BillingAccount.objects.create(
        organization=account.organization, gateway_ref=page.customer_ref, email="owner@acme.example"
    )
    later = event.next_try_at + timedelta(seconds=1)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert inbox_sweeps.sweep() == 1
    assert inbox.process_event(event.event_key) == EventState.PROCESSED
    assert Subscription.objects.get().purchased == 5


def test_a_sign_up_that_never_ends_parks_its_messages_after_days(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = a_sign_up_page(account)
    pay(account, page)
    kind = "customer.subscription.created"
    assert work(account, kind) == EventState.FAILED
    later = clock.now() + timedelta(days=4)
    monkeypatch.setattr(clock, "now", lambda: later)
    states = [inbox.process_event(the_event(kind).event_key) for _ in range(inbox.MOST_ATTEMPTS)]
    assert states == [EventState.FAILED] * (inbox.MOST_ATTEMPTS - 1) + [EventState.PARKED]


# --- What cannot be worked off ---------------------------------------------------------------------------


def a_second_subscription(account: Account) -> str:
    """Pay another page for the same customer, as two tabs do."""
    row = BillingAccount.objects.get()
    made = call(
        account,
        "post",
        "subscriptions",
        **{
            "customer": row.gateway_ref,
            "items[0][price]": str(account.price.gateway_ref),
            "items[0][quantity]": 7,
        },
    )
    return str(made["id"])


@pytest.mark.feature("PAY-11")
def test_a_second_subscription_is_parked_told_and_takes_over_when_the_first_ends(account: Account) -> None:
    first = account.subscribe(seats=3)
    deliver_all(account.server)
    second = a_second_subscription(account)
    deliver_all(account.server)
    assert list(Subscription.objects.values_list("gateway_ref", "purchased")) == [(first, 3)]
    parked = GatewayEvent.objects.get(state="parked")
    assert (parked.object_ref, parked.attempts) == (second, 1)
    assert parked.problem.startswith("second_subscription")
    drift = Drift.objects.get()
    assert (drift.fact, drift.subject, drift.ours) == ("second_subscription", second, first)
    call(account, "delete", f"subscriptions/{first}")
    deliver_all(account.server)
    assert inbox_sweeps.sweep() == 1
    assert inbox.process_event(parked.event_key) == EventState.PROCESSED
    live = Subscription.objects.exclude(status="canceled").get()
    assert (live.gateway_ref, live.purchased) == (second, 7)


def test_a_paid_subscription_takes_the_place_of_a_granted_one_with_its_seats(account: Account) -> None:
    page = account.open_page(seats=6)
    granted = make_subscription(account.organization, 4)
    member = make_member(account.organization, email="one@acme.example")
    hold(account, [member.pk])
    pay(account, page)
    deliver_all(account.server)
    row = Subscription.objects.get()
    assert (row.id, row.purchased, row.used) == (granted.id, 6, 1)
    assert row.gateway_ref is not None


def hold(account: Account, members: list[Any]) -> None:
    with entry_transaction():
        do_assign_seats(
            actor=system_actor("tests", account.organization.id),
            organization_id=account.organization.id,
            membership_ids=members,
        )


def test_seats_lowered_behind_our_back_below_use_cut_nobody(account: Account) -> None:
    ref = account.subscribe(seats=5)
    deliver_all(account.server)
    members = [make_member(account.organization, email=f"m{n}@acme.example").pk for n in range(3)]
    hold(account, members)
    resize(account, ref, 1)
    deliver_all(account.server)
    row = Subscription.objects.get()
    assert (row.purchased, row.used, row.billed_seats) == (3, 3, 1)
    drift = Drift.objects.get()
    assert (drift.fact, drift.ours, drift.theirs, drift.resolved_at) == ("quantity", "3", "1", None)
    resize(account, ref, 8)
    deliver_all(account.server)
    row.refresh_from_db()
    drift.refresh_from_db()
    assert (row.purchased, row.billed_seats) == (8, None)
    assert drift.resolved_at is not None


def test_seats_raised_behind_our_back_are_there_and_told(account: Account) -> None:
    ref = account.subscribe(seats=5)
    deliver_all(account.server)
    resize(account, ref, 11)
    deliver_all(account.server)
    assert Subscription.objects.get().purchased == 11
    last = AuditEvent.objects.filter(action="subscriptions.mirrored").latest("id")
    assert last.changes["purchased"] == [5, 11]


def a_foreign_price(account: Account) -> str:
    return str(
        call(
            account,
            "post",
            "prices",
            **{
                "currency": "eur",
                "unit_amount": 5,
                "product": account.server.account.all("product")[0]["id"],
                "recurring[interval]": "month",
            },
        )["id"]
    )


def test_a_subscription_on_a_price_that_is_none_of_ours_is_parked(account: Account) -> None:
    page = account.open_page(seats=2)
    account.server.account.wishes[str(page.gateway_ref)]["price"] = account.server.account.find(
        "price", a_foreign_price(account)
    )
    pay(account, page)
    assert work(account, "customer.subscription.created") == EventState.PARKED
    assert the_event("customer.subscription.created").problem.startswith("price_unknown: price price_")
    assert not Subscription.objects.exists()


def test_a_price_changed_to_a_foreign_one_is_a_drift_and_the_rest_is_followed(account: Account) -> None:
    ref = account.subscribe(seats=2)
    deliver_all(account.server)
    item = Subscription.objects.get().item_ref
    foreign = a_foreign_price(account)
    call(
        account,
        "post",
        f"subscriptions/{ref}",
        **{"items[0][id]": item, "items[0][price]": foreign, "items[0][quantity]": 4},
    )
    deliver_all(account.server)
    row = Subscription.objects.get()
    assert (row.price_id, row.purchased) == (account.price.id, 4)
    drift = Drift.objects.get()
    assert (drift.fact, drift.ours, drift.theirs) == ("price", account.price.gateway_ref, foreign)


def test_a_subscription_of_several_things_is_parked_with_its_reason(account: Account) -> None:
    ref = account.subscribe()
    there = account.server.account.objects["subscription"][ref]
    there["items"]["data"] = there["items"]["data"] * 2
    assert work(account, "customer.subscription.created") == EventState.PARKED
    assert the_event("customer.subscription.created").problem == "subscription_not_ours"


@pytest.mark.feature("PAY-13")
def test_whatever_breaks_inside_is_tried_again_then_parked_with_its_words(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    account.subscribe()
    kind = "customer.subscription.created"

    def broken(*arguments: Any, **named: Any) -> None:
        raise KeyError("current_period_end")

    with monkeypatch.context() as patched:
        patched.setattr("billing.services.gateway.mirroring._set_seats", broken)
        states = [work(account, kind) for _ in range(inbox.MOST_ATTEMPTS + 1)]
    assert states == [EventState.FAILED] * (inbox.MOST_ATTEMPTS - 1) + [EventState.PARKED, None]
    event = the_event(kind)
    assert (event.problem, event.attempts) == ("KeyError: 'current_period_end'", inbox.MOST_ATTEMPTS)
    assert not Subscription.objects.exists()


def test_a_message_that_kills_every_worker_is_parked(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    account.subscribe()
    kind = "customer.subscription.created"

    def die(*arguments: Any) -> None:
        raise SystemExit  # what a killed worker looks like from inside: nothing after it runs

    with monkeypatch.context() as patched:
        patched.setattr("billing.gateways.stripe_gateway.StripeGateway.look_subscription", die)
        for _ in range(inbox.MOST_ATTEMPTS):
            with pytest.raises(SystemExit):
                work(account, kind)
        assert work(account, kind) is None
    event = the_event(kind)
    assert (event.state, event.problem) == (EventState.PARKED, "worker_lost")


def test_an_event_with_metadata_of_one_and_customer_of_another_changes_nothing_of_the_first(
    account: Account, account_of: Callable[[Organization], Account], globex: Organization
) -> None:
    account.subscribe(seats=3)
    deliver_all(account.server)
    other = account_of(globex)
    ref = other.subscribe(seats=4)
    deliver_all(account.server)
    before = facts_of(account.organization)
    there = account.server.account.objects["subscription"][ref]
    there["metadata"] = {
        "organization": str(account.organization.id),
        "reference": str(account.organization.id),
    }
    resize(other, ref, 40)
    invoice = account.server.account.all("invoice", customer=there["customer"])[0]
    invoice["metadata"] = {"organization": str(account.organization.id)}
    call(account, "post", f"customers/{there['customer']}", **{"metadata[organization]": "acme", "name": "G"})
    call(account, "delete", f"subscriptions/{ref}")
    deliver_all(account.server)
    assert facts_of(account.organization) == before
    assert Subscription.objects.get(organization=globex).status == "canceled"


def test_a_known_subscription_under_another_customer_is_parked(
    account: Account, account_of: Callable[[Organization], Account], globex: Organization
) -> None:
    ref = account.subscribe(seats=3)
    deliver_all(account.server)
    account_of(globex).subscribe(seats=4)
    deliver_all(account.server)
    before = facts_of(account.organization)
    there = account.server.account.objects["subscription"][ref]
    there["customer"] = BillingAccount.objects.get(organization=globex).gateway_ref
    account.server.account.tell("customer.subscription.updated", there, at=account.server.account.now())
    assert work(account, "customer.subscription.updated") == EventState.PARKED
    assert the_event("customer.subscription.updated").problem.startswith("subscription_of_another")
    assert facts_of(account.organization) == before


def facts_of(organization: Organization) -> list[Any]:
    """Return every row that billing has of an organization."""
    found: list[Any] = []
    with in_public():
        for model in (Subscription, SubscriptionInvoice, BillingAccount, Checkout):
            found += list(model._default_manager.filter(organization=organization).order_by("id").values())
    return found


def test_a_plan_that_is_archived_goes_on_for_who_has_it(account: Account) -> None:
    ref = account.subscribe(seats=3)
    Plan.objects.update(is_active=False)
    deliver_all(account.server)
    resize(account, ref, 4)
    deliver_all(account.server)
    assert Subscription.objects.get().purchased == 4
