"""Seats by the day, and the picture drawn of them."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

from billing.admin.chart import draw_seats
from billing.models import SeatAssignment, Subscription
from billing.selectors.seat_days import SeatDay, read_seat_days
from shared_apps.accounts.models import Membership
from shared_apps.core.clock import frozen_at
from tenants.models import Organization
from tests.support.subscriptions import make_subscription

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)


def at(days: int) -> datetime:
    return NOON + timedelta(days=days)


def begun(organization: Organization, seats: int, day: int = 0) -> Subscription:
    return make_subscription(organization, seats, created_at=at(day), updated_at=at(day), starts_at=at(day))


def days_of(organization: Organization, today: int) -> list[tuple[int, int]]:
    with frozen_at(at(today)):
        found = read_seat_days(organization_id=organization.id)
    assert [each.day for each in found] == [
        found[0].day + timedelta(days=number) for number in range(len(found))
    ]
    return [(each.purchased, each.used) for each in found]


def test_numbers_are_carried_from_posting_to_posting(
    acme: Organization, shared: None, member: Callable[..., Membership]
) -> None:
    row = begun(acme, 5)
    seat = SeatAssignment.objects.create(
        subscription=row,
        organization=acme,
        membership=member(acme),
        state="active",
        created_at=at(1),
        activated_at=at(1),
    )
    Subscription.objects.filter(id=row.id).update(purchased=8, updated_at=at(2))
    SeatAssignment.objects.filter(id=seat.id).update(state="revoked", revoked_at=at(4), updated_at=at(4))
    assert days_of(acme, 5) == [(5, 0), (5, 1), (8, 1), (8, 1), (8, 0), (8, 0)]


def test_a_subscription_that_is_over_has_no_seats_and_one_that_follows_has_its_own(
    acme: Organization, shared: None
) -> None:
    row = begun(acme, 5)
    Subscription.objects.filter(id=row.id).update(status="canceled", canceled_at=at(2))
    begun(acme, 7, day=4)
    assert days_of(acme, 5) == [(5, 0), (5, 0), (0, 0), (0, 0), (7, 0), (7, 0)]


def test_two_years_are_shown_at_most_and_begin_where_they_stood(acme: Organization, shared: None) -> None:
    begun(acme, 5)
    found = days_of(acme, 1000)
    assert (len(found), found[0], found[-1]) == (730, (5, 0), (5, 0))


def test_nobody_elses_seats_count(acme: Organization, globex: Organization, shared: None) -> None:
    begun(globex, 9)
    assert read_seat_days(organization_id=acme.id) == []


def test_the_picture_has_a_step_where_a_number_changes() -> None:
    days = [
        SeatDay(date(2026, 3, 10) + timedelta(days=number), 10 if number < 5 else 20, number)
        for number in range(10)
    ]
    chart = draw_seats(days)
    assert chart is not None
    assert (chart.bought.count("V"), chart.used.count("V")) == (1, 9)
    assert [row.label for row in chart.rows] == ["0", "5", "10", "15", "20"]
    assert chart.summary == "Seats from 10 Mar 2026 to 19 Mar 2026: 20 there and 9 held at the end."
    assert [(month.name, month.purchased, month.used) for month in chart.months] == [("Mar 2026", 20, 9)]
    highest = min(float(part.split("H")[0]) for part in chart.bought.split("V")[1:])
    assert highest == chart.rows[-1].at


def test_a_picture_of_one_day_and_of_no_seats_can_be_drawn() -> None:
    assert draw_seats([]) is None
    chart = draw_seats([SeatDay(date(2026, 3, 10), 0, 0)])
    assert chart is not None
    assert [row.label for row in chart.rows] == ["0", "1"]
