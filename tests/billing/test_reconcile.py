"""What differs at the gateway is told every night, until it is gone; nothing is corrected."""

from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from billing.errors import GatewayUnavailable
from billing.models import (
    BillingAccount,
    Drift,
    GatewayEvent,
    Subscription,
    SubscriptionChange,
    SubscriptionInvoice,
)
from billing.services.changes.making import make_change
from billing.services.gateway.inbox import process_event
from billing.services.gateway.inbox_sweeps import sweep
from billing.services.gateway.reconcile import Reconciled, reconcile
from billing.services.operators.subscriptions import do_cancel_live_subscription
from shared_apps.core.actors import Role, system_actor
from shared_apps.core.transactions import entry_transaction
from shared_apps.outbox.models import OutboxMessage
from tenants.models import Organization
from tests.billing.conftest import Account, deliver_all
from tests.billing.test_inbox import resize
from tests.billing.test_inbox_following import a_second_subscription, call
from tests.fakes.stripe import Fault
from tests.support.client import Caller


def bought(account: Account, seats: int = 10) -> Subscription:
    account.subscribe(seats)
    deliver_all(account.server)
    return Subscription.objects.get(organization=account.organization)


def found() -> list[tuple[str, str, str, str]]:
    rows = Drift.objects.filter(resolved_at=None).order_by("fact")
    return [(row.subject, row.fact, row.ours, row.theirs) for row in rows]


def run() -> Reconciled:
    done = reconcile()
    assert done is not None
    return done


@pytest.mark.feature("SUB-08")
def test_what_agrees_is_told_to_agree(account: Account) -> None:
    bought(account)
    assert run() == Reconciled(subscriptions=1, invoices=1, differing=0, new=0, resolved=0)
    assert found() == []


@pytest.mark.feature("SUB-08")
@pytest.mark.feature("P08")
def test_each_fact_that_differs_is_one_line_until_it_is_gone(account: Account) -> None:
    row = bought(account)
    ref = str(row.gateway_ref)
    there = account.server.account.objects["subscription"][ref]
    before = Subscription.objects.values().get()
    there["items"]["data"][0]["quantity"] = 12
    there["items"]["data"][0]["current_period_end"] += 86_400
    there["status"] = "past_due"
    there["cancel_at"] = there["items"]["data"][0]["current_period_end"]
    done = run()
    assert (done.differing, done.new) == (4, 4)
    facts = {fact: (ours, theirs) for subject, fact, ours, theirs in found() if subject == ref}
    assert facts["quantity"] == ("10", "12")
    assert facts["status"] == ("active", "past_due")
    assert facts["cancels_at"][0] == ""
    assert set(facts) == {"quantity", "status", "cancels_at", "period_end"}
    # Told, not corrected; and nobody is mailed.
    assert Subscription.objects.values().get() == before
    assert not OutboxMessage.objects.exists()
    again = run()
    assert (again.differing, again.new, Drift.objects.count()) == (4, 0, 4)
    there["items"]["data"][0]["quantity"] = 10
    assert run().resolved == 1
    resolved = Drift.objects.exclude(resolved_at=None).get()
    assert (resolved.fact, resolved.organization_id) == ("quantity", account.organization.id)
    there["items"]["data"][0]["quantity"] = 11
    assert run().new == 1  # another time is another line
    assert Drift.objects.filter(fact="quantity").count() == 2


def test_seats_given_on_top_are_no_difference(account: Account) -> None:
    bought(account)
    Subscription.objects.update(comped=5, purchased=15)
    assert run().differing == 0


def test_another_price_and_another_customer_are_told(account: Account) -> None:
    row = bought(account)
    there = account.server.account.objects["subscription"][str(row.gateway_ref)]
    there["customer"] = "cus_of_nobody"
    there["items"]["data"][0]["price"] = {**there["items"]["data"][0]["price"], "id": "price_other"}
    run()
    assert {fact for _, fact, _, _ in found()} == {"customer", "price"}


@pytest.mark.feature("P08")
def test_a_deleted_organization_that_is_still_charged_is_told(account: Account) -> None:
    """Its subscription was ended with it; a second one that somebody had paid took the place, and renews."""
    row = bought(account)
    second = a_second_subscription(account)
    deliver_all(account.server)
    Organization.objects.filter(id=account.organization.id).update(state="deleting")
    with entry_transaction():
        assert do_cancel_live_subscription(
            actor=system_actor("tests"), organization_id=account.organization.id
        )
    resend_ends()
    deliver_all(account.server)
    sweep()
    for event in GatewayEvent.objects.filter(object_ref=second, state="failed"):
        process_event(event.event_key)
    assert Subscription.objects.exclude(status="canceled").get().gateway_ref == second
    run()
    assert (second, "organization_gone", "deleting", "active") in found()
    account.gateway.cancel(second, idempotency_key="end")
    deliver_all(account.server)
    assert run().differing == 0
    assert row.gateway_ref != second


def resend_ends() -> None:
    """Make the ends that were asked for, as their job does."""
    for change in SubscriptionChange.objects.filter(state="requested"):
        make_change(change.id)


def test_what_is_gone_there_or_not_here_is_told(account: Account) -> None:
    row = bought(account)
    second = a_second_subscription(account)
    run()
    assert (second, "second_subscription", row.gateway_ref, second) in found()
    Subscription.objects.update(gateway_ref="sub_that_was_never_there")
    run()
    facts = {(subject, fact) for subject, fact, _, _ in found()}
    assert ("sub_that_was_never_there", "not_there") in facts
    Subscription.objects.update(status="canceled")
    run()
    facts = {(subject, fact) for subject, fact, _, _ in found()}
    assert {(row.gateway_ref, "not_here"), (second, "not_here")} <= facts


def test_one_that_is_over_there_and_live_here_is_told(account: Account) -> None:
    row = bought(account)
    call(account, "delete", f"subscriptions/{row.gateway_ref}")
    run()
    assert (row.gateway_ref, "status", "active", "canceled") in found()


def test_one_of_a_shape_that_is_not_ours_is_told(account: Account) -> None:
    row = bought(account)
    there = account.server.account.objects["subscription"][str(row.gateway_ref)]
    there["items"]["data"] = there["items"]["data"] * 2
    run()
    assert found() == [(row.gateway_ref, "not_ours", "live", "active, subscription_not_ours")]


def test_customers_of_other_businesses_on_the_account_are_left_alone(account: Account) -> None:
    bought(account)
    customer = call(account, "post", "customers", email="somebody@else.example")["id"]
    account.server.account.cards[customer] = "ok"
    call(
        account,
        "post",
        "subscriptions",
        **{"customer": customer, "items[0][price]": str(account.price.gateway_ref)},
    )
    done = run()
    assert (done.subscriptions, done.invoices, done.differing) == (2, 2, 0)


@pytest.mark.feature("SUB-07")
def test_invoices_that_differ_or_are_not_here_are_told(account: Account) -> None:
    row = bought(account)
    resize(account, str(row.gateway_ref), 15)
    deliver_all(account.server)
    first, second = SubscriptionInvoice.objects.order_by("issued_at", "id")
    SubscriptionInvoice.objects.filter(id=first.id).update(status="open", paid_minor=0, total_minor=1)
    SubscriptionInvoice.objects.filter(id=second.id).delete()
    run()
    facts = {(subject, fact): (ours, theirs) for subject, fact, ours, theirs in found()}
    assert facts[first.gateway_ref, "invoice_status"] == ("open", "paid")
    assert facts[first.gateway_ref, "invoice_total"] == ("1", "12000")
    assert facts[first.gateway_ref, "invoice_paid"] == ("0", "12000")
    assert (second.gateway_ref, "invoice_not_here") in facts


def test_what_a_message_is_on_its_way_about_is_no_difference_yet(account: Account) -> None:
    row = bought(account)
    account.server.account.objects["subscription"][str(row.gateway_ref)]["status"] = "past_due"
    waiting = GatewayEvent.objects.filter(kind="customer.subscription.created")
    waiting.update(state="failed")
    assert run().differing == 0
    waiting.update(state="parked")  # nobody works that one off: it differs
    assert run().differing == 1


def test_a_deleted_customer_stays_told_until_another_is_set(account: Account) -> None:
    bought(account)
    customer = BillingAccount.objects.get().gateway_ref
    call(account, "delete", f"customers/{customer}")
    deliver_all(account.server)
    run()
    assert (customer, "customer_deleted", "there", "deleted") in found()
    BillingAccount.objects.update(gateway_ref="cus_new")
    run()
    assert found() == []


def test_many_pages_are_all_read(account: Account) -> None:
    bought(account)
    customer = call(account, "post", "customers", email="somebody@else.example")["id"]
    account.server.account.cards[customer] = "ok"
    for _ in range(120):
        call(
            account,
            "post",
            "subscriptions",
            **{"customer": customer, "items[0][price]": str(account.price.gateway_ref)},
        )
    done = run()
    assert (done.subscriptions, done.invoices) == (121, 121)


def test_a_gateway_that_fails_half_way_changes_no_line(account: Account) -> None:
    row = bought(account)
    account.server.account.objects["subscription"][str(row.gateway_ref)]["status"] = "past_due"
    run()
    before = list(Drift.objects.values())
    account.server.faults.order(Fault.ERROR_BEFORE, "get", "/v1/invoices", times=3)
    with pytest.raises(GatewayUnavailable):
        reconcile()
    assert list(Drift.objects.values()) == before


def test_without_a_gateway_there_is_nothing_to_compare(shared: None, settings: Any) -> None:
    settings.STRIPE_API_KEY = ""
    assert reconcile() is None
    with pytest.raises(CommandError):
        call_command("reconcile_billing")


def test_the_command_lists_what_differs_and_fails(account: Account) -> None:
    row = bought(account)
    said = StringIO()
    call_command("reconcile_billing", stdout=said)
    assert "1 subscriptions and 1 invoices compared: 0 facts differ" in said.getvalue()
    Subscription.objects.update(purchased=99)
    with pytest.raises(CommandError):
        call_command("reconcile_billing", stdout=said)
    assert f"{row.gateway_ref} quantity: 99 here, 10 there" in said.getvalue()


def test_operators_list_what_differs_and_nobody_else(
    account: Account,
    operator: Caller,
    sign_in: Callable[..., Caller],
    account_of: Callable[[Organization], Account],
    globex: Organization,
) -> None:
    bought(account)
    bought(account_of(globex))
    Subscription.objects.update(purchased=99)
    run()
    for query, count in (
        ("", 2),
        (f"?organization_id={globex.id}", 1),
        ("?open=true", 2),
        ("?open=false", 0),
        ("?fact=quantity", 2),
        ("?fact=status", 0),
    ):
        answer = operator.get(f"/api/v1/drifts{query}")
        assert (answer.status_code, len(answer.json()["results"])) == (200, count)
    shown = operator.get(f"/api/v1/drifts?organization_id={globex.id}").json()["results"][0]
    assert (shown["ours"], shown["theirs"], shown["organization_id"]) == ("99", "10", str(globex.id))
    assert sign_in(account.organization, Role.OWNER).get("/api/v1/drifts").status_code == 404
    assert Caller("app.palaestra.test").get("/api/v1/drifts").status_code == 401


def test_old_invoices_are_left_to_the_books(account: Account) -> None:
    bought(account)
    there = account.server.account.all("invoice")[0]
    there["created"] -= int(timedelta(days=36).total_seconds())
    SubscriptionInvoice.objects.all().delete()
    assert run().invoices == 0
