"""Previews and changes of the subscription over HTTP, on the organization's host, under its own role."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from billing.enums import ChangeState, Interval, SubscriptionStatus
from billing.models import Plan, PlanPrice, Promotion, Subscription, SubscriptionChange
from billing.services.catalogue.promotions import sync_promotions
from billing.services.catalogue.syncing import sync_catalogue
from billing.services.changes.making import make_change
from shared_apps.accounts.models import Membership
from shared_apps.core.actors import Role
from tenants.models import Organization
from tests.billing.conftest import Account, account, account_of, deliver_all, server
from tests.fakes.stripe import Fault
from tests.support.client import Caller
from tests.support.subscriptions import make_subscription

__all__ = ["account", "account_of", "server"]  # fixtures

SignIn = Callable[..., Caller]
Members = Callable[..., Membership]
CHANGE_ROUTE = "/v1/subscriptions/{subscription_exposed_id}"
WRITES = [
    ("previews", {"seats": 12}),
    ("changes", {"token": "x"}),
    ("changes/at-period-end", {"seats": 9}),
    ("subscription/cancel", {}),
    ("subscription/keep", {}),
    ("subscription/pause", {}),
    ("subscription/resume", {}),
    ("subscription/promotion", {"code": "SPRING"}),
]


def bought(account: Account, seats: int = 10) -> Subscription:
    account.subscribe(seats)
    deliver_all(account.server)
    return Subscription.objects.get(organization=account.organization)


def invoices(account: Account) -> list[Any]:
    return list(account.server.account.all("invoice"))


@pytest.mark.feature("BIL-02")
@pytest.mark.feature("P09")
def test_the_invoice_is_what_the_preview_showed(
    account: Account, acme: Organization, sign_in: SignIn
) -> None:
    bought(account)
    admin = sign_in(acme, Role.BILLING_ADMIN)
    shown = admin.post("/api/v1/billing/previews", {"seats": 25})
    assert shown.status_code == 200, shown.json()
    body = shown.json()
    due = body["due_now"]["amount_minor"]
    assert (body["from_seats"], body["to_seats"], body["plan"], body["interval"]) == (10, 25, "team", "month")
    assert body["due_now"] == {"amount_minor": due, "currency": "EUR"}
    assert (
        sum(line["amount"]["amount_minor"] for line in body["lines"]) == body["total"]["amount_minor"] == due
    )
    assert body["next_invoice"]["total"] == {"amount_minor": 25 * 1200, "currency": "EUR"}
    assert [each["code"] for each in body["happens"]] == ["seats_added", "charged_now", "renews"]
    assert len(invoices(account)) == 1, "a preview charges nothing"

    made = admin.post("/api/v1/billing/changes", {"token": body["token"]})
    assert (made.status_code, made.json()["state"]) == (201, "confirmed")
    assert made.json()["preview_total"] == body["total"]
    assert (invoices(account)[0]["total"], invoices(account)[0]["amount_paid"]) == (due, due)
    assert Subscription.objects.get(organization=acme).purchased == 25
    assert admin.get(made["Location"]).json() == made.json()
    assert [row["id"] for row in admin.get("/api/v1/billing/changes").json()["results"]] == [
        made.json()["id"]
    ]
    assert admin.get("/api/v1/billing/changes?state=failed").json()["results"] == []


def test_a_key_sent_twice_charges_once_and_answers_the_same(
    account: Account, acme: Organization, sign_in: SignIn
) -> None:
    bought(account)
    admin = sign_in(acme, Role.OWNER)
    token = admin.post("/api/v1/billing/previews", {"seats": 25}).json()["token"]
    key: Any = {"HTTP_IDEMPOTENCY_KEY": str(uuid.uuid4())}
    first = admin.post("/api/v1/billing/changes", {"token": token}, **key)
    again = admin.post("/api/v1/billing/changes", {"token": token}, **key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    without_key = admin.post("/api/v1/billing/changes", {"token": token})
    assert without_key.json() == first.json(), "the token itself is good for one change"
    assert len(invoices(account)) == 2


@pytest.mark.parametrize(("path", "body"), WRITES[2:])
def test_every_write_honours_its_key(
    path: str, body: dict[str, Any], account: Account, acme: Organization, sign_in: SignIn
) -> None:
    bought(account)
    if path.endswith("resume"):
        sign_in(acme, Role.OWNER).post("/api/v1/billing/subscription/pause", {})
    if path.endswith("promotion"):
        Promotion.objects.create(code="SPRING", percent=20)
        sync_promotions()
    admin = sign_in(acme, Role.OWNER)
    key: Any = {"HTTP_IDEMPOTENCY_KEY": str(uuid.uuid4())}
    first = admin.post(f"/api/v1/billing/{path}", body, **key)
    assert first.status_code == 201, first.json()
    count = SubscriptionChange.objects.count()
    calls = len(account.server.calls)
    again = admin.post(f"/api/v1/billing/{path}", body, **key)
    assert (again.status_code, again.json()) == (201, first.json())
    assert (SubscriptionChange.objects.count(), len(account.server.calls)) == (count, calls)


def test_a_preview_that_no_longer_holds_is_409_and_says_what_to_do(
    account: Account, acme: Organization, sign_in: SignIn
) -> None:
    bought(account)
    admin = sign_in(acme, Role.ADMIN)
    old = admin.post("/api/v1/billing/previews", {"seats": 25}).json()["token"]
    newer = admin.post("/api/v1/billing/previews", {"seats": 12}).json()["token"]
    assert admin.post("/api/v1/billing/changes", {"token": newer}).status_code == 201
    stale = admin.post("/api/v1/billing/changes", {"token": old})
    assert (stale.status_code, stale.json()["code"]) == (409, "preview_stale")
    assert "new preview" in stale.json()["detail"]
    wrong: list[Any] = ["", "x", "a:b:c", "\x00", 5, None, [], {}]
    for token in wrong:
        assert admin.post("/api/v1/billing/changes", {"token": token}).status_code in {400, 409}
    assert Subscription.objects.get(organization=acme).purchased == 12


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        {"seats": 0},
        {"seats": -1},
        {"seats": 10**9},
        {"seats": 10**30},
        {"seats": 501},
        {"seats": "many"},
        {"seats": None},
        {"seats": True},
        {"seats": 1.5},
        {"seats": [3]},
        {"plan": "nowhere"},
        {"plan": "\x00"},
        {"plan": {}},
        {"interval": "decade"},
        {"interval": "quarter"},
        {"interval": 1},
    ],
)
@pytest.mark.parametrize("path", ["previews", "changes/at-period-end"])
def test_what_cannot_be_had_is_400_and_changes_nothing(
    path: str, body: Any, account: Account, acme: Organization, sign_in: SignIn
) -> None:
    bought(account)
    before = dict(Subscription.objects.values().get(organization=acme))
    answer = sign_in(acme, Role.ADMIN).post(f"/api/v1/billing/{path}", body)
    if path.endswith("end") and body == {}:
        assert (answer.status_code, answer.json()["state"]) == (201, "withdrawn")
    else:
        assert answer.status_code == 400, answer.json()
        assert SubscriptionChange.objects.count() == 0
    assert Subscription.objects.values().get(organization=acme) == before


def test_a_cut_below_the_seats_in_use_names_whom_to_release(
    account: Account, acme: Organization, sign_in: SignIn, member: Members
) -> None:
    bought(account)
    admin = sign_in(acme, Role.ADMIN)
    people = [str(member(acme).id) for _ in range(5)]
    assert admin.post("/api/v1/seats/assign", {"member_ids": people}).status_code == 200
    for path in ("previews", "changes/at-period-end"):
        refused = admin.post(f"/api/v1/billing/{path}", {"seats": 3})
        assert (refused.status_code, refused.json()["code"]) == (409, "seats_in_use")
        facts = refused.json()["facts"]
        assert (facts["used"], facts["asked"], facts["to_release"]) == (5, 3, 2)
        assert sorted(each["member_id"] for each in facts["holders"]) == sorted(people)
        assert set(facts["holders"][0]) == {
            "id",
            "member_id",
            "name",
            "email",
            "state",
            "since",
            "last_seen_at",
        }


def test_a_plan_that_is_too_small_is_refused_with_reasons(
    account: Account, acme: Organization, sign_in: SignIn
) -> None:
    bought(account)
    small = Plan.objects.create(code="small", name="Small", max_seats=50, features={"courses": 0})
    PlanPrice.objects.create(plan=small, interval=Interval.MONTH, currency="eur", unit_minor=500)
    sync_catalogue()
    admin = sign_in(acme, Role.ADMIN)
    assert admin.post("/api/v1/billing/previews", {"plan": "small"}).status_code == 200
    made = admin.post("/api/v1/courses", {"slug": "one", "title": "One"})
    assert made.status_code == 201, made.json()
    for path in ("previews", "changes/at-period-end"):
        refused = admin.post(f"/api/v1/billing/{path}", {"plan": "small"})
        assert (refused.status_code, refused.json()["code"]) == (409, "plan_does_not_fit")
        assert refused.json()["facts"]["reasons"] == [{"limit": "courses", "most": 0, "now": 1}]
    Plan.objects.filter(code="small").update(max_seats=9, features={})
    refused = admin.post("/api/v1/billing/previews", {"plan": "small"})
    assert (refused.status_code, refused.json()["code"]) == (400, "seats_outside_plan")


@pytest.mark.parametrize("role", [Role.LEARNER, Role.INSTRUCTOR, Role.MANAGER])
def test_who_does_not_look_after_the_money_is_403(
    role: Role, account: Account, acme: Organization, sign_in: SignIn
) -> None:
    row = bought(account)
    caller = sign_in(acme, role)
    for path, body in WRITES:
        assert caller.post(f"/api/v1/billing/{path}", body).status_code == 403
    assert caller.get("/api/v1/billing/changes").status_code == 403
    assert caller.get(f"/api/v1/billing/changes/{row.id}").status_code == 403
    assert SubscriptionChange.objects.count() == 0


def test_another_organizations_changes_and_tokens_are_not_there(
    account: Account, acme: Organization, globex: Organization, sign_in: SignIn
) -> None:
    bought(account)
    owner, stranger = sign_in(acme, Role.OWNER), sign_in(globex, Role.OWNER)
    token = owner.post("/api/v1/billing/previews", {"seats": 25}).json()["token"]
    made = owner.post("/api/v1/billing/changes", {"token": token}).json()
    assert stranger.get(f"/api/v1/billing/changes/{made['id']}").status_code == 404
    assert stranger.get("/api/v1/billing/changes").json()["results"] == []
    theirs = owner.post("/api/v1/billing/previews", {"seats": 30}).json()["token"]
    refused = stranger.post("/api/v1/billing/changes", {"token": theirs})
    assert (refused.status_code, refused.json()["code"]) == (409, "no_subscription")
    assert Subscription.objects.get(organization=acme).purchased == 25
    assert len(invoices(account)) == 2


def test_a_subscription_that_was_given_is_not_changed_here(
    acme: Organization, sign_in: SignIn, server: Any
) -> None:
    make_subscription(acme, 5)
    admin = sign_in(acme, Role.ADMIN)
    for path, body in WRITES:
        if path != "changes":
            refused = admin.post(f"/api/v1/billing/{path}", body)
            assert (refused.status_code, refused.json()["code"]) == (409, "subscription_granted"), path


def test_a_declined_card_is_402_with_the_page_to_pay_on_and_heals_when_paid(
    account: Account, acme: Organization, sign_in: SignIn
) -> None:
    row = bought(account)
    admin = sign_in(acme, Role.ADMIN)
    token = admin.post("/api/v1/billing/previews", {"seats": 25}).json()["token"]
    account.card("decline")
    refused = admin.post("/api/v1/billing/changes", {"token": token})
    assert (refused.status_code, refused.json()["code"]) == (402, "change_unpaid")
    facts = refused.json()["facts"]
    invoice = invoices(account)[0]
    assert (facts["invoice_url"], facts["due_minor"]) == (invoice["hosted_invoice_url"], invoice["total"])
    shown = admin.get(f"/api/v1/billing/changes/{facts['change']}").json()
    assert (shown["state"], shown["invoice_url"]) == ("unpaid", facts["invoice_url"])
    row.refresh_from_db()
    assert (row.purchased, row.unpaid_purchased) == (10, 25)
    second = admin.post("/api/v1/billing/previews", {"seats": 12})
    assert (second.status_code, second.json()["code"]) == (409, "change_under_way")
    assert second.json()["facts"]["invoice_url"] == facts["invoice_url"]

    account.card("ok")
    account.gateway.pay_invoice(invoice["id"], idempotency_key="payer-at-the-page")
    deliver_all(account.server)
    shown = admin.get(f"/api/v1/billing/changes/{facts['change']}").json()
    assert (shown["state"], shown["invoice_url"]) == ("confirmed", "")
    row.refresh_from_db()
    assert (row.purchased, row.unpaid_purchased) == (25, None)


def test_a_gateway_that_does_not_answer_is_202_and_goes_on_later(
    account: Account, acme: Organization, sign_in: SignIn
) -> None:
    bought(account)
    admin = sign_in(acme, Role.ADMIN)
    token = admin.post("/api/v1/billing/previews", {"seats": 25}).json()["token"]
    account.server.faults.order(Fault.ERROR_AFTER, "post", CHANGE_ROUTE, times=3)
    waits = admin.post("/api/v1/billing/changes", {"token": token})
    assert (waits.status_code, waits.json()["state"]) == (202, "requested")
    refused = admin.post("/api/v1/billing/subscription/cancel", {})
    assert (refused.status_code, refused.json()["facts"]["change"]) == (409, waits.json()["id"])
    assert make_change(uuid.UUID(waits.json()["id"])) == ChangeState.CONFIRMED
    assert admin.get(waits["Location"]).json()["state"] == "confirmed"
    assert len(invoices(account)) == 2


@pytest.mark.feature("BIL-04")
@pytest.mark.feature("SUB-06")
def test_an_admin_cancels_keeps_pauses_and_resumes(
    account: Account, acme: Organization, sign_in: SignIn
) -> None:
    row = bought(account)
    admin = sign_in(acme, Role.ADMIN)
    gone = admin.post(
        "/api/v1/billing/subscription/cancel", {"reason": "too_expensive", "comment": "Until spring."}
    )
    assert (gone.status_code, gone.json()["kind"], gone.json()["state"]) == (201, "cancel", "confirmed")
    row.refresh_from_db()
    assert (row.status, row.cancels_at) == (SubscriptionStatus.ACTIVE, row.period_ends_at)
    assert admin.post("/api/v1/billing/subscription/cancel", {"reason": "weather"}).status_code == 400
    ends = admin.post("/api/v1/billing/changes/at-period-end", {"seats": 5})
    assert (ends.status_code, ends.json()["code"]) == (409, "subscription_ends")
    assert admin.post("/api/v1/billing/subscription/keep").json()["state"] == "confirmed"
    row.refresh_from_db()
    assert row.cancels_at is None
    assert admin.post("/api/v1/billing/subscription/pause", {}).json()["state"] == "confirmed"
    row.refresh_from_db()
    assert (row.status, row.status_reason) == (SubscriptionStatus.PAUSED, "pause_requested")
    closed = admin.post("/api/v1/billing/previews", {"seats": 12})
    assert (closed.status_code, closed.json()["code"]) == (409, "subscription_not_open")
    spend_credit(account)
    account.card("decline")
    refused = admin.post("/api/v1/billing/subscription/resume")
    assert (refused.status_code, refused.json()["code"]) == (402, "change_unpaid")
    row.refresh_from_db()
    assert row.status == SubscriptionStatus.PAUSED
    account.card("ok")
    account.gateway.pay_invoice(invoices(account)[0]["id"], idempotency_key="payer")
    deliver_all(account.server)
    row.refresh_from_db()
    assert row.status == SubscriptionStatus.ACTIVE
    states = [each["state"] for each in admin.get("/api/v1/billing/changes").json()["results"]]
    assert states == ["confirmed"] * 4


def test_a_code_that_does_not_work_is_400_at_its_field(
    account: Account, acme: Organization, sign_in: SignIn
) -> None:
    row = bought(account)
    Promotion.objects.create(code="SPRING", percent=20, max_redemptions=1)
    Promotion.objects.create(code="OTHERPLAN", percent=20, plan=Plan.objects.create(code="x", name="X"))
    sync_promotions()
    admin = sign_in(acme, Role.ADMIN)
    for code in ("NOWHERE", "OTHERPLAN"):
        refused = admin.post("/api/v1/billing/subscription/promotion", {"code": code})
        assert (refused.status_code, refused.json()["code"]) == (400, "promotion_not_valid")
        assert [each["field"] for each in refused.json()["errors"]] == ["code"]
    assert admin.post("/api/v1/billing/subscription/promotion", {"code": "\x00"}).status_code == 400
    made = admin.post("/api/v1/billing/subscription/promotion", {"code": "spring"})
    assert (made.status_code, made.json()["promotion_code"]) == (201, "SPRING")
    row.refresh_from_db()
    assert row.promotion_code == "SPRING"
    used_up = admin.post("/api/v1/billing/subscription/promotion", {"code": "SPRING"})
    assert (used_up.status_code, used_up.json()["code"]) == (400, "promotion_not_valid")


def spend_credit(account: Account) -> None:
    """Let the customer have no credit left."""
    for customer in account.server.account.all("customer"):
        account.gateway._client.v1.customers.update(customer["id"], {"balance": 0})
