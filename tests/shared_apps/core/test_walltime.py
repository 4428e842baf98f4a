"""Wall time in seven zones, over both changes of their clocks."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared_apps.core.walltime import (
    NoSuchZone,
    NotAWallTime,
    add_days,
    local_text,
    parse_local,
    to_instant,
    to_local,
)

# label, zone, wall time, the instant meant
GAPS = [
    ("Berlin skips 2:00-3:00", "Europe/Berlin", "2026-03-29T02:30", "2026-03-29T01:00Z"),
    ("Berlin, first minute of it", "Europe/Berlin", "2026-03-29T02:00", "2026-03-29T01:00Z"),
    ("Berlin, last minute before", "Europe/Berlin", "2026-03-29T01:59", "2026-03-29T00:59Z"),
    ("Berlin, first minute after", "Europe/Berlin", "2026-03-29T03:00", "2026-03-29T01:00Z"),
    ("New York skips 2:00-3:00", "America/New_York", "2026-03-08T02:30", "2026-03-08T07:00Z"),
    ("Lord Howe skips 2:00-2:30 only", "Australia/Lord_Howe", "2026-10-04T02:15", "2026-10-03T15:30Z"),
    ("Lord Howe, after it", "Australia/Lord_Howe", "2026-10-04T02:30", "2026-10-03T15:30Z"),
    ("Santiago skips midnight", "America/Santiago", "2026-09-06T00:30", "2026-09-06T04:00Z"),
    ("Casablanca after Ramadan", "Africa/Casablanca", "2026-03-22T02:30", "2026-03-22T02:00Z"),
    ("Apia skips a whole day", "Pacific/Apia", "2011-12-30T09:00", "2011-12-30T10:00Z"),
]
FOLDS = [
    ("Berlin has 2:30 twice", "Europe/Berlin", "2026-10-25T02:30", "2026-10-25T00:30Z"),
    ("New York has 1:30 twice", "America/New_York", "2026-11-01T01:30", "2026-11-01T05:30Z"),
    ("Lord Howe has 1:45 twice", "Australia/Lord_Howe", "2026-04-05T01:45", "2026-04-04T14:45Z"),
    ("Santiago has 23:30 twice", "America/Santiago", "2026-04-04T23:30", "2026-04-05T02:30Z"),
    ("Casablanca before Ramadan", "Africa/Casablanca", "2026-02-15T02:30", "2026-02-15T01:30Z"),
]
PLAIN = [
    ("Berlin in winter", "Europe/Berlin", "2026-01-15T09:00", "2026-01-15T08:00Z"),
    ("Berlin in summer", "Europe/Berlin", "2026-07-15T09:00", "2026-07-15T07:00Z"),
    ("Kathmandu, 45 minutes off", "Asia/Kathmandu", "2026-07-15T09:00", "2026-07-15T03:15Z"),
    ("UTC", "UTC", "2026-07-15T09:00", "2026-07-15T09:00Z"),
]
ZONES = [
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "America/Santiago",
    "Africa/Casablanca",
    "Pacific/Apia",
    "Asia/Kathmandu",
]


@pytest.mark.feature("P23")
@pytest.mark.parametrize(("label", "zone", "wall", "instant"), [*GAPS, *FOLDS, *PLAIN])
def test_a_wall_time_means_one_instant(label: str, zone: str, wall: str, instant: str) -> None:
    assert to_instant(wall, zone) == datetime.fromisoformat(instant), label


@pytest.mark.feature("P23")
@pytest.mark.parametrize(("label", "zone", "wall", "instant"), [*FOLDS, *PLAIN])
def test_an_instant_shows_the_wall_time_it_came_from(label: str, zone: str, wall: str, instant: str) -> None:
    shown = to_local(datetime.fromisoformat(instant), zone)

    assert shown.strftime("%Y-%m-%dT%H:%M") == wall, label


WALLS = st.datetimes(parse_local("2011-01-01T00:00"), parse_local("2035-01-01T00:00"))


@given(
    zone=st.sampled_from(ZONES),
    walls=st.tuples(WALLS, WALLS),
)
def test_a_later_wall_time_never_means_an_earlier_instant(
    zone: str, walls: tuple[datetime, datetime]
) -> None:
    earlier, later = sorted(walls)

    assert to_instant(earlier, zone) <= to_instant(later, zone)


@given(zone=st.sampled_from(ZONES), instant=WALLS)
def test_an_instant_comes_back_but_for_the_second_time_round(zone: str, instant: datetime) -> None:
    at = instant.replace(tzinfo=UTC)
    shown = to_local(at, zone)

    back = to_instant(shown.replace(tzinfo=None), zone)

    assert back == (at if shown.fold == 0 else shown.replace(fold=0).astimezone(UTC))


@pytest.mark.parametrize(
    ("label", "start", "days", "hours"),
    [
        ("into summer time", "2026-03-28T08:00Z", 1, 23),
        ("into winter time", "2026-10-24T07:00Z", 1, 25),
        ("three days over the change", "2026-03-27T08:00Z", 3, 71),
        ("no change", "2026-05-01T07:00Z", 7, 168),
    ],
)
def test_days_are_days_of_the_calendar(label: str, start: str, days: int, hours: int) -> None:
    at = datetime.fromisoformat(start)

    later = add_days(at, days, "Europe/Berlin")

    assert later - at == timedelta(hours=hours), label
    assert later.astimezone(ZoneInfo("Europe/Berlin")).hour == 9


def test_local_text_carries_the_offset_of_that_day() -> None:
    assert local_text(datetime(2026, 7, 1, 7, tzinfo=UTC), "Europe/Berlin") == "2026-07-01T09:00:00+02:00"
    assert local_text(None, "Europe/Berlin") is None


@pytest.mark.parametrize("zone", ["", "Mars/Olympus", "../etc/passwd", "Factory", "localtime", "Europe"])
def test_an_unknown_zone_is_refused(zone: str) -> None:
    with pytest.raises(NoSuchZone):
        to_instant("2026-01-01T09:00", zone)


@pytest.mark.parametrize(
    "text", ["", "2026-01-01", "2026-01-01T09:00Z", "2026-13-01T09:00", "9:00", "2026-1-1T9:00", "x" * 99]
)
def test_a_text_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(NotAWallTime):
        parse_local(text)
