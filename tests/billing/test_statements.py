"""Monthly statements: every line of an invoice derived from seats and time, with the people who held them."""

import itertools
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billing.enums import Interval, SeatState
from billing.models import (
    PlanPrice,
    SeatAssignment,
    SeatEntry,
    SeatStatement,
    StatementHolding,
    Subscription,
    SubscriptionInvoice,
)
from billing.selectors.statement_months import months_after, months_of
from billing.selectors.statement_seats import measure_seats
from billing.selectors.statements import get_current_statement, hash_of, list_people, read_books, reckon
from billing.services.seats.statements import make_statements, order_statements
from shared_apps.accounts.models import Membership
from shared_apps.core import clock
from shared_apps.core.actors import system_actor
from shared_apps.core.errors import NotFound
from tenants.models import Organization
from tests.support.subscriptions import make_plan

Members = Callable[..., Membership]
DAY = 86_400
# A month of 30 days: each day is a thirtieth of the price.
BEGIN, END = datetime(2026, 4, 1, tzinfo=UTC), datetime(2026, 5, 1, tzinfo=UTC)


def april(day: float) -> datetime:
    """Return the beginning of a day of April; a half is noon."""
    return BEGIN + timedelta(days=day - 1)


@pytest.fixture
def price(shared: None) -> PlanPrice:
    return PlanPrice.objects.create(
        plan=make_plan(), interval=Interval.MONTH, currency="eur", unit_minor=1200, gateway_ref="price_month"
    )


@pytest.fixture
def subscription(acme: Organization, price: PlanPrice) -> Subscription:
    """Ten seats from the first of April on."""
    return Subscription.objects.create(
        organization=acme,
        plan=price.plan,
        price=price,
        gateway_ref="sub_1",
        purchased=10,
        starts_at=BEGIN,
        created_at=BEGIN,
        updated_at=BEGIN,
        period_starts_at=BEGIN,
        period_ends_at=END,
    )


def resize(subscription: Subscription, at: datetime, purchased: int, comped: int = 0) -> None:
    Subscription.objects.filter(id=subscription.id).update(purchased=purchased, comped=comped, updated_at=at)


def hold(
    subscription: Subscription, member: Membership, begin: datetime, end: datetime | None = None, **facts: Any
) -> SeatAssignment:
    """Have a member hold a seat, from joined on."""
    facts = {"state": SeatState.ACTIVE, "activated_at": begin, **facts}
    seat = SeatAssignment.objects.create(
        subscription=subscription,
        organization_id=subscription.organization_id,
        membership=member,
        created_at=begin,
        **facts,
    )
    if end is not None:
        SeatAssignment.objects.filter(id=seat.id).update(state=SeatState.REVOKED, revoked_at=end)
    return seat


def line(amount: int, seats: int, begin: datetime, end: datetime, **facts: Any) -> dict[str, Any]:
    return {
        "description": f"{seats} seats",
        "amount_minor": amount,
        "net_minor": amount,
        "seats": seats,
        "price_ref": "price_month",
        "is_proration": False,
        "period_start": begin.isoformat(),
        "period_end": end.isoformat(),
        **facts,
    }


def invoice(
    subscription: Subscription, at: datetime, *lines: dict[str, Any], **facts: Any
) -> SubscriptionInvoice:
    total = sum(each["net_minor"] for each in lines)
    sums: dict[str, Any] = {
        "subtotal_minor": sum(each["amount_minor"] for each in lines),
        "discount_minor": 0,
        "tax_minor": 0,
        "total_minor": total,
        "due_minor": total,
        "paid_minor": total,
    }
    return SubscriptionInvoice.objects.create(
        organization_id=subscription.organization_id,
        subscription=subscription,
        gateway_ref=f"in_{SubscriptionInvoice.objects.count()}",
        number=f"A-{SubscriptionInvoice.objects.count() + 1}",
        currency="eur",
        issued_at=at,
        lines=list(lines),
        **{"status": "paid", **sums, **facts},
    )


def after(monkeypatch: pytest.MonkeyPatch, at: datetime) -> None:
    monkeypatch.setattr(clock, "now", lambda: at)


def made(monkeypatch: pytest.MonkeyPatch, subscription: Subscription) -> SeatStatement:
    """Return the statement of April, made a day after it."""
    after(monkeypatch, END + timedelta(days=1))
    assert make_statements(subscription.id) == 1
    return SeatStatement.objects.get(subscription=subscription, starts_at=BEGIN)


def told(statement: SeatStatement, *names: str) -> list[tuple[Any, ...]]:
    return [tuple(each[name] for name in names) for each in statement.content["lines"]]


# --- Exact cases ---------------------------------------------------------------------------------


@pytest.mark.feature("SEA-03")
def test_a_quiet_month_comes_to_its_invoice(
    subscription: Subscription, member: Members, acme: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    anna = member(acme, email="anna@acme.example")
    hold(subscription, anna, april(1))
    invoice(subscription, BEGIN, line(12_000, 10, BEGIN, END))
    statement = made(monkeypatch, subscription)
    assert (statement.purchased_seconds, statement.used_seconds) == (300 * DAY, 30 * DAY)
    assert (statement.invoiced_minor, statement.derived_minor, statement.people) == (12_000, 12_000, 1)
    assert told(statement, "derived_minor", "difference_minor", "seat_seconds", "unused_seconds") == [
        (12_000, 0, 300 * DAY, 270 * DAY)
    ]
    [held] = list_people(statement=statement, line=1)
    assert (held.email, held.held_from, held.held_to, held.active_from) == (
        "anna@acme.example",
        BEGIN,
        END,
        BEGIN,
    )


@pytest.mark.feature("M03")
def test_seats_added_within_the_month_are_a_credit_and_a_charge(
    subscription: Subscription, member: Members, acme: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    early, late = member(acme), member(acme)
    hold(subscription, early, april(1), april(11))
    invoice(subscription, BEGIN, line(12_000, 10, BEGIN, END))
    resize(subscription, april(21), 25)
    hold(subscription, late, april(21))
    rest = {"is_proration": True}
    invoice(
        subscription,
        april(21),
        line(-4_000, 10, april(21), END, **rest),
        line(10_000, 25, april(21), END, **rest),
    )
    statement = made(monkeypatch, subscription)
    assert told(statement, "derived_minor", "difference_minor", "month_seconds", "why") == [
        (12_000, 0, 300 * DAY, ""),
        (-4_000, 0, 100 * DAY, "credit"),
        (10_000, 0, 250 * DAY, ""),
    ]
    assert (statement.invoiced_minor, statement.derived_minor) == (18_000, 18_000)
    assert statement.purchased_seconds == (200 + 250) * DAY
    assert [row.membership_id for row in list_people(statement=statement, line=3)] == [late.id]
    assert {row.membership_id for row in list_people(statement=statement, line=1)} == {early.id, late.id}
    assert [(step["purchased"], step["at"]) for step in statement.content["steps"]] == [
        (10, BEGIN.isoformat()),
        (25, april(21).isoformat()),
    ]


def test_seats_given_back_within_the_month(
    subscription: Subscription, monkeypatch: pytest.MonkeyPatch
) -> None:
    invoice(subscription, BEGIN, line(12_000, 10, BEGIN, END))
    resize(subscription, april(16), 4)
    invoice(
        subscription,
        april(16),
        line(-6_000, 10, april(16), END, is_proration=True),
        line(2_400, 4, april(16), END, is_proration=True),
    )
    statement = made(monkeypatch, subscription)
    assert told(statement, "derived_minor", "difference_minor") == [(12_000, 0), (-6_000, 0), (2_400, 0)]
    assert statement.purchased_seconds == (150 + 60) * DAY


def test_two_people_share_a_seat_over_the_month(
    subscription: Subscription, member: Members, acme: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = member(acme, email="a@acme.example"), member(acme, email="b@acme.example")
    handed = hold(subscription, first, april(1), april(11.5))
    hold(subscription, second, april(11.5), follows=handed, state=SeatState.INVITED, activated_at=None)
    SeatAssignment.objects.filter(membership=second).update(state=SeatState.ACTIVE, activated_at=april(21.5))
    invoice(subscription, BEGIN, line(12_000, 10, BEGIN, END))
    statement = made(monkeypatch, subscription)
    held = [
        (row.email, row.held_from, row.held_to, row.active_from) for row in list_people(statement=statement)
    ]
    assert held == [
        ("a@acme.example", BEGIN, april(11.5), BEGIN),
        ("b@acme.example", april(11.5), END, april(21.5)),
    ]
    assert (statement.used_seconds, statement.active_seconds) == (30 * DAY, 20 * DAY)
    assert statement.people == 2


def test_comped_seats_are_there_and_cost_nothing(
    subscription: Subscription, monkeypatch: pytest.MonkeyPatch
) -> None:
    resize(subscription, april(11), 13, comped=3)
    invoice(subscription, BEGIN, line(12_000, 10, BEGIN, END))
    statement = made(monkeypatch, subscription)
    assert statement.purchased_seconds == (300 + 60) * DAY
    assert [(step["purchased"], step["comped"]) for step in statement.content["steps"]] == [(10, 0), (13, 3)]
    assert (statement.invoiced_minor, statement.derived_minor) == (12_000, 12_000)
    [time] = measure_seats(subscription_id=subscription.id, windows=[(BEGIN, END)])
    assert (time.comped, time.unused) == (60 * DAY, 360 * DAY)


def test_a_trial_costs_nothing(subscription: Subscription, monkeypatch: pytest.MonkeyPatch) -> None:
    Subscription.objects.update(
        trial_ends_at=april(15), period_starts_at=april(15), period_ends_at=months_after(april(15), 1)
    )
    invoice(subscription, BEGIN, line(0, 10, BEGIN, april(15)))
    invoice(subscription, april(15), line(12_000, 10, april(15), months_after(april(15), 1)))
    after(monkeypatch, months_after(END, 1))
    assert make_statements(subscription.id) == 2
    trial, paid = SeatStatement.objects.order_by("starts_at")
    assert (trial.starts_at, trial.ends_at, paid.ends_at) == (BEGIN, april(15), months_after(april(15), 1))
    assert told(trial, "derived_minor", "difference_minor", "why") == [(0, 0, "trial")]
    assert told(paid, "derived_minor", "difference_minor", "why") == [(12_000, 0, "")]


def test_discounts_and_taxes_stand_beside_the_lines(
    subscription: Subscription, monkeypatch: pytest.MonkeyPatch
) -> None:
    invoice(
        subscription,
        BEGIN,
        line(12_000, 10, BEGIN, END, net_minor=9_000),
        discount_minor=3_000,
        tax_minor=1_710,
        total_minor=10_710,
    )
    invoice(subscription, BEGIN, line(500, 0, BEGIN, BEGIN, price_ref="", description="Setup"))
    invoice(subscription, BEGIN, line(99, 1, BEGIN, END), status="void")
    statement = made(monkeypatch, subscription)
    assert told(statement, "invoiced_minor", "net_minor", "derived_minor", "why") == [
        (12_000, 9_000, 12_000, ""),
        (500, 500, 500, "other"),
    ]
    [first, _] = statement.content["invoices"]
    assert (first["discount_minor"], first["tax_minor"], first["total_minor"]) == (3_000, 1_710, 10_710)


def test_what_was_invoiced_wrongly_shows(subscription: Subscription, monkeypatch: pytest.MonkeyPatch) -> None:
    invoice(subscription, BEGIN, line(13_200, 10, BEGIN, END))
    statement = made(monkeypatch, subscription)
    assert told(statement, "derived_minor", "difference_minor") == [(12_000, 1_200)]


def test_a_year_is_told_in_months(
    acme: Organization, subscription: Subscription, monkeypatch: pytest.MonkeyPatch
) -> None:
    year = datetime(2027, 4, 1, tzinfo=UTC)
    PlanPrice.objects.update(interval=Interval.YEAR, unit_minor=12_000)
    Subscription.objects.update(period_ends_at=year)
    invoice(subscription, BEGIN, line(120_000, 10, BEGIN, year))
    after(monkeypatch, year + timedelta(days=2))
    assert make_statements(subscription.id) == 12
    statements = list(SeatStatement.objects.order_by("starts_at"))
    assert [each.starts_at.month for each in statements] == [4, 5, 6, 7, 8, 9, 10, 11, 12, 1, 2, 3]
    assert [each.invoiced_minor for each in statements] == [120_000] + [0] * 11
    assert [told(each, "month_minor")[0][0] for each in statements[:3]] == [9_863, 10_192, 9_863]
    assert sum(told(each, "month_seconds")[0][0] for each in statements) == 10 * 365 * DAY


# --- Months --------------------------------------------------------------------------------------


def test_months_follow_the_periods_of_the_gateway() -> None:
    at = datetime(2026, 1, 31, 12, tzinfo=UTC)
    stops = [at.replace(month=2, day=28), at.replace(month=3, day=31), at.replace(month=4, day=30)]
    windows = list(zip([at, *stops[:-1]], stops, strict=True))
    assert months_of(at, windows, end=None, until=stops[1]) == windows
    # Not known any more, the periods of a granted subscription keep the day it began.
    assert months_of(at, [], end=None, until=stops[1]) == windows


def test_a_period_that_begins_early_ends_the_one_before() -> None:
    early = april(11)
    year = (early, early.replace(year=2027))
    months = months_of(BEGIN, [(BEGIN, END), year], end=april(21), until=END)
    assert months == [(BEGIN, early), (early, april(21))]


@given(
    st.lists(st.tuples(st.integers(0, 400), st.sampled_from([1, 3, 12])), max_size=6),
    st.integers(1, 450),
    st.booleans(),
)
def test_months_leave_no_gap(starts: list[tuple[int, int]], length: int, is_over: bool) -> None:
    windows = [
        (begin, months_after(begin, months))
        for begin, months in ((BEGIN + timedelta(days=day), months) for day, months in starts)
    ]
    end = BEGIN + timedelta(days=length) if is_over else None
    until = BEGIN + timedelta(days=450)
    months = months_of(BEGIN, windows, end=end, until=until)
    assert months[0][0] == BEGIN
    assert all(before[1] == following[0] for before, following in itertools.pairwise(months))
    assert all(begin < stop <= months_after(begin, 1) + timedelta(days=4) for begin, stop in months)
    assert months[-1][1] == end if end else months[-1][1] > until


# --- Sums ----------------------------------------------------------------------------------------


_ACTS = st.lists(
    st.tuples(st.sampled_from("hrbc"), st.integers(0, 5), st.integers(1, 3 * DAY * 1_000_000)), max_size=25
)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=_ACTS)
def test_people_and_unused_seats_sum_to_what_was_bought(
    acts: list[tuple[str, int, int]], subscription: Subscription, people: list[Membership]
) -> None:
    with transaction.atomic():
        at, purchased, comped = BEGIN, 10, 0
        held: dict[int, SeatAssignment] = {}
        for what, number, wait in acts:
            at += timedelta(microseconds=wait)
            if what == "h" and number not in held and len(held) < purchased:
                held[number] = hold(subscription, people[number], at)
            elif what == "r" and number in held:
                seat = held.pop(number)
                SeatAssignment.objects.filter(id=seat.id).update(state=SeatState.REVOKED, revoked_at=at)
            elif what == "b":
                purchased = max(purchased + number - 2, len(held), comped)
                resize(subscription, at, purchased, comped)
            elif what == "c":
                purchased, comped = max(purchased + number - comped, len(held), number), number
                resize(subscription, at, purchased, comped)
        invoice(
            subscription,
            BEGIN,
            line(12_000, 10, BEGIN, END),
            line(300, 7, april(7.3), april(19.9), is_proration=True),
        )
        books = read_books(subscription)
        assert books is not None
        statement = reckon(books, (BEGIN, END))
        purchased_area, used_area = _areas(subscription)
        assert (statement.purchased_seconds, statement.used_seconds) == (purchased_area, used_area)
        statement.content_hash = "x"
        statement.save(force_insert=True)
        for told_line in statement.content["lines"]:
            assert (
                told_line["used_seconds"] + told_line["unused_seconds"] == told_line["purchased_seconds"] >= 0
            )
        transaction.set_rollback(True)


@pytest.fixture
def people(member: Members, acme: Organization) -> list[Membership]:
    return [member(acme) for _ in range(6)]


def _areas(subscription: Subscription) -> tuple[int, int]:
    """Reckon the month anew from the numbers after each entry, another way than the product does."""
    steps: list[tuple[int, int, int]] = [
        (int(entry.at.timestamp()), entry.purchased_after, entry.used_after)
        for entry in SeatEntry.objects.filter(subscription_id=subscription.id).order_by("version")
    ]
    stop = int(END.timestamp())
    ends = [min(step[0], stop) for step in steps[1:]] + [stop]
    spans = [max(0, end - step[0]) for step, end in zip(steps, ends, strict=True)]
    return (
        sum(span * step[1] for span, step in zip(spans, steps, strict=True)),
        sum(span * step[2] for span, step in zip(spans, steps, strict=True)),
    )


@pytest.mark.feature("M03")
def test_the_holdings_of_a_statement_sum_to_its_seat_time(
    subscription: Subscription, people: list[Membership], monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, person in enumerate(people):
        hold(subscription, person, april(1 + number * 1.37), april(9 + number * 2.11))
    hold(subscription, people[0], april(20))
    invoice(subscription, BEGIN, line(12_000, 10, BEGIN, END))
    statement = made(monkeypatch, subscription)
    spans: dict[Any, int] = defaultdict(int)
    for row in StatementHolding.objects.filter(statement=statement):
        spans[row.membership_id] += int((row.held_to - row.held_from).total_seconds())
    assert sum(spans.values()) == statement.used_seconds
    assert (len(spans), statement.people) == (6, 6)
    assert StatementHolding.objects.count() == 7


# --- Frozen --------------------------------------------------------------------------------------


def test_a_statement_is_written_once_and_stays(
    subscription: Subscription, people: list[Membership], monkeypatch: pytest.MonkeyPatch
) -> None:
    hold(subscription, people[0], april(2))
    invoice(subscription, BEGIN, line(12_000, 10, BEGIN, END))
    statement = made(monkeypatch, subscription)
    assert make_statements(subscription.id) == 0
    assert statement.content_hash == hash_of(statement)
    people[0].user.name = "Another name"
    people[0].user.save()
    assert hash_of(SeatStatement.objects.get()) == statement.content_hash
    for rows in (SeatStatement.objects.all(), StatementHolding.objects.all()):
        with pytest.raises(DatabaseError), transaction.atomic():
            rows.update(**{"people": 9} if rows.model is SeatStatement else {"name": "Nobody"})
    statement.invoiced_minor += 1
    assert hash_of(statement) != statement.content_hash


def test_only_months_that_are_over_are_ordered(
    subscription: Subscription,
    acme: Organization,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Any,
) -> None:
    after(monkeypatch, END + timedelta(hours=5))
    assert make_statements(subscription.id) == 0
    after(monkeypatch, END + timedelta(hours=7))
    with django_capture_on_commit_callbacks(execute=False):
        assert order_statements() == 1
        assert make_statements(subscription.id) == 1
        assert order_statements() == 0
        Subscription.objects.update(status="canceled", canceled_at=END + timedelta(days=3))
        after(monkeypatch, END + timedelta(days=4))
        assert order_statements() == 1
        assert make_statements(subscription.id) == 1
        assert order_statements() == 0
    assert [each.ends_at for each in SeatStatement.objects.order_by("starts_at")] == [
        END,
        END + timedelta(days=3),
    ]


def test_the_running_month_is_told_up_to_now(
    subscription: Subscription, people: list[Membership], acme: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold(subscription, people[0], april(6))
    invoice(subscription, BEGIN, line(12_000, 10, BEGIN, END))
    after(monkeypatch, april(11))
    actor = system_actor("tests", acme.id)
    current = get_current_statement(actor=actor, organization_id=acme.id)
    assert (current.purchased_seconds, current.used_seconds, current.content_hash) == (100 * DAY, 5 * DAY, "")
    assert told(current, "derived_minor", "month_minor") == [(12_000, 4_000)]


def test_without_a_subscription_there_is_no_statement(globex: Organization) -> None:
    with pytest.raises(NotFound):
        get_current_statement(actor=system_actor("tests", globex.id), organization_id=globex.id)
