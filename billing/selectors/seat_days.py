"""Seats bought and used on each day: the ground of charts."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from django.db import connection

from billing.models import SeatAssignment, Subscription
from shared_apps.core import clock

MOST_DAYS = 730


@dataclass(frozen=True, slots=True)
class SeatDay:
    """How many seats there were, and were held, at the end of a day (UTC)."""

    day: date
    purchased: int
    used: int


@dataclass(frozen=True, slots=True)
class _Step:
    subscription_id: uuid.UUID
    day: date
    purchased: int
    used: int


# The last posting of each day says all of it; an organization's days are few, whatever its postings.
_LAST_OF_DAYS = """
SELECT DISTINCT ON (subscription_id, (at AT TIME ZONE 'UTC')::date)
       subscription_id, (at AT TIME ZONE 'UTC')::date, purchased_after, used_after
  FROM billing_seatentry WHERE organization_id = %s
 ORDER BY subscription_id, (at AT TIME ZONE 'UTC')::date, version DESC
"""


def read_seat_days(*, organization_id: uuid.UUID) -> list[SeatDay]:
    """Return the days from the first posting to today, 730 at most, oldest first; none without seats ever.

    Seats of a subscription that is over are not there any more, even while their holders keep them. Where a
    subscription has no ledger its holdings are counted. Three statements at most.
    """
    subscriptions = list(
        Subscription.objects.filter(organization_id=organization_id).only(
            "id", "purchased", "starts_at", "canceled_at"
        )
    )
    if not subscriptions:
        return []
    with connection.cursor() as cursor:
        cursor.execute(_LAST_OF_DAYS, [organization_id])
        steps = [_Step(*row) for row in cursor.fetchall()]
    without = {row.id for row in subscriptions} - {step.subscription_id for step in steps}
    if without:
        steps += _steps_of_holdings([row for row in subscriptions if row.id in without])
    ends = {row.id: row.canceled_at.astimezone(UTC).date() for row in subscriptions if row.canceled_at}
    return _filled(steps, ends, clock.now().astimezone(UTC).date())


def _filled(steps: Iterable[_Step], ends: dict[uuid.UUID, date], today: date) -> list[SeatDay]:
    """Carry what each subscription had on to its next step, and add the subscriptions up."""
    by_day: dict[date, list[_Step]] = {}
    for step in steps:
        by_day.setdefault(min(step.day, today), []).append(step)
    if not by_day:
        return []
    first = max(min(by_day), today - timedelta(days=MOST_DAYS - 1))
    # What was posted before the first day shown is where it begins.
    present = {step.subscription_id: step for day in sorted(by_day) if day < first for step in by_day[day]}
    found = []
    for number in range((today - first).days + 1):
        day = first + timedelta(days=number)
        present |= {step.subscription_id: step for step in by_day.get(day, ())}
        live = [step for step in present.values() if day < ends.get(step.subscription_id, date.max)]
        found.append(
            SeatDay(
                day,
                sum(step.purchased for step in live),
                sum(step.used for step in present.values()),
            )
        )
    return found


def _steps_of_holdings(subscriptions: list[Subscription]) -> list[_Step]:
    """Count holdings where there is no ledger; how many seats there were before today nobody knows."""
    rows = SeatAssignment.objects.filter(subscription__in=subscriptions)
    moves: dict[uuid.UUID, dict[date, int]] = {row.id: {_day(row.starts_at): 0} for row in subscriptions}
    for identifier, since, until in rows.values_list("subscription_id", "created_at", "revoked_at"):
        days = moves[identifier]
        days[_day(since)] = days.get(_day(since), 0) + 1
        if until is not None:
            days[_day(until)] = days.get(_day(until), 0) - 1
    steps = []
    for row in subscriptions:
        used = 0
        for day in sorted(moves[row.id]):
            used += moves[row.id][day]
            steps.append(_Step(row.id, day, row.purchased, used))
    return steps


def _day(instant: datetime) -> date:
    return instant.astimezone(UTC).date()
