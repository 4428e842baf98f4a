"""The ledger of seats and monthly statements over the API."""

import csv
import io
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from billing.models import SeatAssignment, SeatStatement, Subscription
from billing.services.seats.statements import make_statements
from shared_apps.accounts.models import Membership, User
from shared_apps.core import clock
from shared_apps.core.actors import Role
from tenants.models import Organization
from tests.billing.test_statements import BEGIN, END, april, hold, invoice, line
from tests.billing.test_statements import price as price
from tests.billing.test_statements import subscription as subscription
from tests.support.client import Caller

SignIn = Callable[..., Caller]


@pytest.fixture
def stated(
    subscription: Subscription,
    acme: Organization,
    member: Callable[..., Membership],
    monkeypatch: pytest.MonkeyPatch,
) -> SeatStatement:
    """April, with a seat that two people held, one of them of an evil name."""
    first, second = member(acme, email="a@acme.example"), member(acme, email="b@acme.example")
    User.objects.filter(id=second.user_id).update(name="=HYPERLINK(1)")
    hold(subscription, first, april(1), april(11))
    hold(subscription, second, april(11))
    invoice(subscription, BEGIN, line(12_000, 10, BEGIN, END))
    invoice(subscription, april(21), line(4_000, 10, april(21), END, is_proration=True))
    with monkeypatch.context() as patch:
        patch.setattr(clock, "now", lambda: END + timedelta(days=1))
        assert make_statements(subscription.id) == 1
    return SeatStatement.objects.get()


@pytest.mark.feature("SEA-03")
def test_a_statement_derives_each_line_and_names_its_people(
    stated: SeatStatement, acme: Organization, sign_in: SignIn
) -> None:
    admin = sign_in(acme, Role.BILLING_ADMIN)
    [listed] = admin.get("/api/v1/billing/statements").json()["results"]
    assert (listed["id"], listed["content_hash"]) == (str(stated.id), stated.content_hash)
    assert (listed["seat_days"], listed["people"]) == ("300.0000", 2)
    told = admin.get(f"/api/v1/billing/statements/{stated.id}").json()
    assert [each["derived"] for each in told["lines"]] == [
        {"amount_minor": 12_000, "currency": "EUR"},
        {"amount_minor": 4_000, "currency": "EUR"},
    ]
    assert [each["difference"]["amount_minor"] for each in told["lines"]] == [0, 0]
    assert [each["people"] for each in told["lines"]] == [2, 1]
    assert told["steps"] == [{"at": "2026-04-01T00:00:00Z", "purchased": 10, "comped": 0}]

    def people(number: int) -> list[Any]:
        answer = admin.get(f"/api/v1/billing/statements/{stated.id}/people?line={number}")
        return [each["email"] for each in answer.json()["results"]]

    assert [people(number) for number in (0, 1, 2)] == [
        ["a@acme.example", "b@acme.example"],
        ["a@acme.example", "b@acme.example"],
        ["b@acme.example"],
    ]
    assert admin.get(f"/api/v1/billing/statements/{stated.id}/people?line=3").status_code == 404


def test_the_file_lists_people_under_each_line(
    stated: SeatStatement, acme: Organization, sign_in: SignIn
) -> None:
    answer = sign_in(acme, Role.ADMIN).get(f"/api/v1/billing/statements/{stated.id}/people.csv")
    text = b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [(row["line"], row["email"], row["seat_days"], row["active_days"]) for row in rows] == [
        ("0", "a@acme.example", "10.0000", "10.0000"),
        ("0", "b@acme.example", "20.0000", "20.0000"),
        ("1", "a@acme.example", "10.0000", "10.0000"),
        ("1", "b@acme.example", "20.0000", "20.0000"),
        ("2", "b@acme.example", "10.0000", "10.0000"),
    ]
    assert rows[1]["name"] == "'=HYPERLINK(1)"
    assert answer["Content-Disposition"] == 'attachment; filename="seats-acme-2026-04-01.csv"'


def test_the_running_month_is_told_without_a_hash(
    stated: SeatStatement, acme: Organization, sign_in: SignIn
) -> None:
    told = sign_in(acme, Role.ADMIN).get("/api/v1/billing/statements/current").json()
    assert told["content_hash"] == ""
    assert told["purchased_seconds"] == told["used_seconds"] + told["unused_seconds"] > 0


def test_without_a_subscription_nothing_runs(acme: Organization, sign_in: SignIn) -> None:
    assert sign_in(acme, Role.ADMIN).get("/api/v1/billing/statements/current").status_code == 404


def test_the_ledger_is_listed_and_narrowed(
    stated: SeatStatement, acme: Organization, sign_in: SignIn
) -> None:
    admin = sign_in(acme, Role.ADMIN)

    def kinds(query: str = "") -> list[tuple[int, str]]:
        rows = admin.get(f"/api/v1/billing/ledger{query}").json()["results"]
        return [(row["version"], row["kind"]) for row in rows]

    assert kinds() == [(4, "activated"), (3, "revoked"), (2, "activated"), (1, "bought")]
    first = SeatAssignment.objects.order_by("id").values_list("membership_id", flat=True)[0]
    assert kinds(f"?member_id={first}") == [(3, "revoked"), (2, "activated")]
    assert kinds("?kind=bought") == [(1, "bought")]
    assert kinds("?since=2026-04-11T00:00:00Z") == [(4, "activated"), (3, "revoked")]
    assert kinds("?until=2026-04-02T00:00:00Z") == [(2, "activated"), (1, "bought")]
    assert admin.get("/api/v1/billing/ledger?kind=stolen").status_code == 400


@pytest.mark.parametrize("path", ["ledger", "statements", "statements/current"])
def test_others_than_who_pays_are_refused(acme: Organization, sign_in: SignIn, path: str) -> None:
    assert sign_in(acme, Role.LEARNER).get(f"/api/v1/billing/{path}").status_code == 403


def test_another_organizations_statement_is_not_there(
    stated: SeatStatement, globex: Organization, sign_in: SignIn
) -> None:
    admin = sign_in(globex, Role.ADMIN)
    for path in ("", "/people", "/people.csv"):
        assert admin.get(f"/api/v1/billing/statements/{stated.id}{path}").status_code == 404
    assert admin.get("/api/v1/billing/ledger").json()["results"] == []
