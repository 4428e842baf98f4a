"""Each organization's moment in a period: always the same, spread evenly, met once."""

import uuid
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from tenants.timers import Timer, register_timer

DAY = timedelta(days=1)
NIGHTLY = Timer("test.nightly", DAY, starts=timedelta(hours=1), window=timedelta(hours=4))
IDS = [uuid.UUID(int=number * 7919) for number in range(2000)]
START = datetime(2026, 5, 4, tzinfo=UTC)


@pytest.mark.feature("OPS-02")
def test_two_thousand_organizations_spread_over_the_window() -> None:
    hours = Counter(int(NIGHTLY.offset(identifier) // 3600) for identifier in IDS)
    assert sorted(hours) == [1, 2, 3, 4]
    assert all(420 <= number <= 580 for number in hours.values())
    minutes = Counter(int(NIGHTLY.offset(identifier) // 60) for identifier in IDS)
    assert max(minutes.values()) <= 24  # 8.3 in each minute on average, and never a crowd


def test_another_timer_has_other_moments() -> None:
    other = Timer("test.other", DAY, starts=timedelta(hours=1), window=timedelta(hours=4))
    assert NIGHTLY.offset(IDS[5]) == NIGHTLY.offset(IDS[5])
    assert sum(abs(NIGHTLY.offset(one) - other.offset(one)) < 60 for one in IDS) < 50


@pytest.mark.parametrize("minutes", [1, 7, 61])
def test_each_organization_is_met_once_a_period_however_ticks_come(minutes: int) -> None:
    calls: Counter[uuid.UUID] = Counter()
    after, end = START, START + 5 * DAY
    while after < end:
        until = min(end, after + timedelta(minutes=minutes))
        calls.update(identifier for identifier in IDS[:50] if NIGHTLY.is_due(identifier, after, until))
        after = until
    assert set(calls.values()) == {5}


def test_nights_without_a_tick_are_one() -> None:
    assert all(NIGHTLY.is_due(identifier, START, START + 9 * DAY) for identifier in IDS[:50])
    later = START + 9 * DAY
    assert not any(NIGHTLY.is_due(identifier, later, later + timedelta(minutes=59)) for identifier in IDS)


def test_a_window_longer_than_its_period_is_refused() -> None:
    with pytest.raises(ValueError, match="longer"):
        register_timer(Timer("test.long", timedelta(hours=1), timedelta(0), timedelta(hours=2)))
