"""What operators do with subscriptions and money, over HTTP, and an organization's whole billing."""

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from billing.models import (
    Drift,
    DunningNotice,
    GatewayEvent,
    Refund,
    Subscription,
    SubscriptionInvoice,
)
from shared_apps.accounts.models import User
from shared_apps.core import clock
from shared_apps.core.actors import Role
from tenants.models import Organization
from tests.billing.conftest import Account, account, account_of, deliver_all, server
from tests.fakes.stripe import Fault
from tests.support.client import Caller, platform_caller
from tests.support.measures import statements
from tests.support.subscriptions import make_subscription

__all__ = ["account", "account_of", "server"]


@pytest.fixture
def billed(account: Account) -> Subscription:
    account.subscribe(10)
    deliver_all(account.server)
    return Subscription.objects.get()


def refunds_of(invoice: SubscriptionInvoice) -> str:
    return f"/api/v1/invoices/{invoice.id}/refunds"


def acts_on(subscription: Subscription) -> dict[str, tuple[str, dict[str, Any]]]:
    until = (clock.now() + timedelta(days=30)).isoformat()
    address = f"/api/v1/subscriptions/{subscription.id}"
    return {
        "comps": (f"{address}/comps", {"seats": 2, "reason": "pilot"}),
        "extend_trial": (f"{address}/extend-trial", {"until": until, "reason": "pilot"}),
        "extend_grace": (f"{address}/extend-grace", {"until": until, "reason": "pilot"}),
        "end": (f"{address}/end", {"reason": "fraud"}),
    }


def test_seats_are_comped(operator: Caller, billed: Subscription) -> None:
    url, body = acts_on(billed)["comps"]
    answer = operator.post(url, body)
    found = answer.json()
    assert (answer.status_code, found["purchased"], found["comped"], found["is_billed"]) == (200, 12, 2, True)
    assert operator.post(url, body).json()["purchased"] == 12


def test_what_is_billed_is_not_set_by_hand(operator: Caller, billed: Subscription) -> None:
    refused = operator.post(f"/api/v1/subscriptions/{billed.id}/change-seats", {"seats": 50})
    assert (refused.status_code, refused.json()["code"]) == (409, "seats_billed")
    assert refused.json()["facts"] == {"billed": 10, "comped": 0}


@pytest.mark.parametrize(
    "body",
    [
        {"seats": -1, "reason": "x"},
        {"seats": 10**9, "reason": "x"},
        {"seats": "many", "reason": "x"},
        {"seats": 2},
        {"seats": 2, "reason": ""},
        {"seats": 2, "reason": "x" * 301},
        {"seats": 2, "reason": "a\x00b"},
    ],
)
def test_comps_that_cannot_be_change_nothing(
    operator: Caller, acme: Organization, body: dict[str, Any]
) -> None:
    granted = make_subscription(acme, 5)
    refused = operator.post(f"/api/v1/subscriptions/{granted.id}/comps", body)
    assert (refused.status_code, Subscription.objects.get().purchased) == (400, 5)


def test_a_trial_and_a_grace_get_a_later_end(account: Account, operator: Caller) -> None:
    account.price.plan.trial_days = 14
    account.price.plan.save_fields("trial_days")
    account.subscribe(10)
    deliver_all(account.server)
    row = Subscription.objects.get()
    acts = acts_on(row)
    changed = operator.post(*acts["extend_trial"])
    assert (changed.status_code, changed.json()["state"], changed.json()["comment"]) == (
        200,
        "confirmed",
        "pilot",
    )
    refused = operator.post(*acts["extend_grace"])
    assert (refused.status_code, refused.json()["code"]) == (409, "nothing_owed")
    Subscription.objects.update(status="past_due", past_due_since=clock.now())
    extended = operator.post(*acts["extend_grace"])
    assert extended.status_code == 200
    assert extended.json()["grace_until"] is not None
    late = {"until": "2099-01-01T00:00:00Z", "reason": "x"}
    assert operator.post(acts["extend_grace"][0], late).status_code == 400


def test_a_subscription_is_ended_at_the_gateway(
    account: Account, operator: Caller, billed: Subscription
) -> None:
    url, body = acts_on(billed)["end"]
    assert operator.post(url, {}).status_code == 400
    ended = operator.post(url, body)
    assert (ended.status_code, ended.json()["status"]) == (200, "canceled")
    assert account.gateway.look_subscription(str(billed.gateway_ref)).status == "canceled"
    assert operator.post(url, body).json()["status"] == "canceled"
    gone = operator.post(*acts_on(billed)["comps"])
    assert (gone.status_code, gone.json()["code"]) == (409, "subscription_not_open")


def test_an_invoice_is_refunded_once_for_one_key(
    account: Account, operator: Caller, billed: Subscription
) -> None:
    invoice = SubscriptionInvoice.objects.get()
    body = {"amount": {"amount_minor": 2_000, "currency": "EUR"}, "reason": "ticket 4711"}
    first = operator.post(refunds_of(invoice), body, HTTP_IDEMPOTENCY_KEY="refund-of-today-0001")
    again = operator.post(refunds_of(invoice), body, HTTP_IDEMPOTENCY_KEY="refund-of-today-0001")
    assert (first.status_code, again.status_code, first.json()) == (201, 201, again.json())
    assert (first.json()["state"], first.json()["amount"]) == (
        "succeeded",
        {"amount_minor": 2_000, "currency": "EUR"},
    )
    assert operator.get(first["Location"]).json() == first.json()
    rest = operator.post(refunds_of(invoice), {"reason": "all of it"})
    assert rest.json()["amount"]["amount_minor"] == 10_000
    listed = operator.get(refunds_of(invoice)).json()["results"]
    assert [row["amount"]["amount_minor"] for row in listed] == [10_000, 2_000]
    assert sorted(row["amount"] for row in account.server.account.all("refund")) == [2_000, 10_000]


@pytest.mark.parametrize(
    ("amount", "code"),
    [
        ({"amount_minor": 0, "currency": "EUR"}, "invalid_input"),
        ({"amount_minor": -1, "currency": "EUR"}, "invalid_input"),
        ({"amount_minor": 1.5, "currency": "EUR"}, "invalid_input"),
        ({"amount_minor": 10**30, "currency": "EUR"}, "invalid_input"),
        ({"amount_minor": 100}, "invalid_input"),
        ({"amount_minor": 100, "currency": "EURO"}, "invalid_input"),
        ({"amount_minor": 100, "currency": "USD"}, "refund_out_of_range"),
        ({"amount_minor": 12_001, "currency": "EUR"}, "refund_out_of_range"),
        ("all", "invalid_input"),
    ],
)
def test_sums_that_cannot_be_given_back_are_400(
    account: Account, operator: Caller, billed: Subscription, amount: Any, code: str
) -> None:
    refused = operator.post(refunds_of(SubscriptionInvoice.objects.get()), {"amount": amount, "reason": "x"})
    assert (refused.status_code, refused.json()["code"]) == (400, code)
    assert (Refund.objects.count(), account.server.account.all("refund")) == (0, [])


def test_a_refund_whose_gateway_is_away_is_told_as_on_its_way(
    account: Account, operator: Caller, billed: Subscription
) -> None:
    account.server.faults.order(Fault.ERROR_BEFORE, "post", "/v1/refunds", times=3)
    made = operator.post(refunds_of(SubscriptionInvoice.objects.get()), {"reason": "x"})
    assert (made.status_code, made.json()["state"], made.json()["problem"]) == (
        201,
        "requested",
        "gateway_unavailable",
    )


def test_the_whole_story_is_told(account: Account, operator: Caller, billed: Subscription) -> None:
    invoice = SubscriptionInvoice.objects.get()
    operator.post(*acts_on(billed)["comps"])
    operator.post(refunds_of(invoice), {"reason": "sorry"})
    whose = {"organization": account.organization}
    DunningNotice.objects.create(**whose, subscription=billed, since=clock.now(), stage="payment_failed")
    Drift.objects.create(**whose, subject="sub_1", fact="quantity", last_seen_at=clock.now())
    for number, ref in enumerate((invoice.gateway_ref, "in_somebody_elses")):
        GatewayEvent.objects.create(
            gateway="stripe",
            event_key=f"evt_{number}",
            kind="invoice.paid",
            object_ref=ref,
            occurred_at=clock.now(),
            next_try_at=clock.now(),
            state="parked",
        )
    told = operator.get(f"/api/v1/organizations/{account.organization.id}/billing").json()
    assert told["account"]["gateway_ref"].startswith("cus_")
    assert (told["subscription"]["purchased"], told["subscription"]["comped"]) == (12, 2)
    assert told["access"]["level"] == "full"
    assert [row["total"] for row in told["invoices"]] == [{"amount_minor": 12_000, "currency": "EUR"}]
    assert [row["note"] for row in told["refunds"]] == ["sorry"]
    assert [(row["seats"], row["state"]) for row in told["checkouts"]] == [(10, "complete")]
    assert [row["stage"] for row in told["notices"]] == ["payment_failed"]
    assert [row["fact"] for row in told["drifts"]] == ["quantity"]
    assert [row["object_ref"] for row in told["stuck_events"]] == [invoice.gateway_ref]
    today = clock.now().date().isoformat()
    assert told["seat_days"][-1] == {"day": today, "purchased": 12, "used": 0}


def test_an_organization_without_billing_has_an_empty_story(operator: Caller, acme: Organization) -> None:
    told = operator.get(f"/api/v1/organizations/{acme.id}/billing").json()
    assert (told["account"], told["subscription"], told["seat_days"], told["invoices"]) == (
        None,
        None,
        [],
        [],
    )
    assert operator.get(f"/api/v1/organizations/{uuid.uuid4()}/billing").status_code == 404


def test_the_story_costs_a_constant_number_of_statements(operator: Caller, acme: Organization) -> None:
    row = make_subscription(acme, 50)
    url = f"/api/v1/organizations/{acme.id}/billing"

    def cost() -> int:
        with statements() as found:
            assert operator.get(url).status_code == 200
        return len(found)

    def grow(number: int) -> None:
        sums = dict.fromkeys(("subtotal", "discount", "tax", "total", "due", "paid"), 1)
        invoice = SubscriptionInvoice.objects.create(
            organization=acme,
            subscription=row,
            gateway_ref=f"in_{number}",
            status="paid",
            currency="eur",
            issued_at=clock.now(),
            **{f"{name}_minor": minor for name, minor in sums.items()},
        )
        Refund.objects.create(
            organization=acme, invoice=invoice, amount_minor=1, currency="eur", state="failed"
        )
        DunningNotice.objects.create(
            organization=acme, subscription=row, since=clock.now(), stage=f"stage {number}"
        )

    grow(0)
    operator.get(url)
    few = cost()
    for number in range(1, 21):
        grow(number)
    assert cost() == few <= 20


def test_nobody_else_sees_or_does_any_of_it(
    billed: Subscription, acme: Organization, sign_in: Callable[..., Caller], anonymous: Callable[..., Caller]
) -> None:
    invoice = SubscriptionInvoice.objects.get()
    somebody = platform_caller(User.objects.create_user("user@example.org"))
    posts = [*acts_on(billed).values(), (refunds_of(invoice), {"reason": "x"})]
    for url, body in posts:
        assert somebody.post(url, body).status_code == 403
        assert sign_in(acme, Role.OWNER).post(url, body).status_code == 404  # not on this host
    reads = (f"/api/v1/organizations/{acme.id}/billing", refunds_of(invoice))
    for url in reads:
        assert somebody.get(url).status_code == 403
        assert sign_in(acme, Role.OWNER).get(url).status_code == 404
    billed.refresh_from_db()
    assert (billed.status, billed.purchased, Refund.objects.count()) == ("active", 10, 0)
