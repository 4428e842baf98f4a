"""Wall time: what a clock on the wall of a zone shows, and the instant it means.

A deadline is kept as people say it, "29 March, 9:00 in Berlin", and becomes an instant when it is needed, by
the zone's rules of that day. Twice a year the two do not fit one to one:

- a wall time that a change of the clocks skips (a gap) means the first instant after the gap: "opens at 2:30"
  on a night without a 2:30 opens when the clocks have jumped;
- a wall time that occurs twice (a fold) means the first of the two.

RFC 5545 section 3.3.5 reads a fold the same way; in a gap it counts on with the offset from before (2:30
becomes 3:30), which would open a lesson of 2:30 later than one of 3:00. With the rule here order is kept: a
later wall time never means an earlier instant. PEP 495 (`fold`) gives the two offsets that both rules need.
The other way round nothing is in doubt: an instant has one wall time.

The calendar has two ends, the years 1 and 9999, and people do send "9999-12-31" for never. A wall time there
is refused; an instant is kept and shown in UTC where the zone's own clock would step over the end.
"""

from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from shared_apps.core.errors import InvalidInput

# "2026-03-29T09:00": minutes, as people say times; what columns `*_local` and JSON rules hold.
LOCAL_FORMAT = "%Y-%m-%dT%H:%M"
# Of wall times.
FIRST_YEAR, LAST_YEAR = 1900, 9000


class NoSuchZone(InvalidInput):
    """No such zone in the IANA database."""

    code = "unknown_timezone"
    title = "There is no such time zone."
    advice = "Send an IANA name such as Europe/Berlin."


class NotAWallTime(InvalidInput):
    """The text is no date with hours and minutes."""

    code = "not_a_wall_time"
    title = "That is not a local date and time."
    advice = "Send it as 2026-03-29T09:00, without an offset."


@lru_cache(maxsize=1)
def _names() -> frozenset[str]:
    # The two say nothing of a place: "Factory" is a machine nobody set up, "localtime" the server's own.
    return frozenset(available_timezones()) - {"Factory", "localtime"}


def known_zone(name: str) -> ZoneInfo:
    """Return the zone of an IANA name.

    Raises:
        NoSuchZone: the database has none of that name.
    """
    if name not in _names():
        raise NoSuchZone(timezone=name[:64])
    return ZoneInfo(name)


def parse_local(text: str) -> datetime:
    """Return the naive wall time that a text like "2026-03-29T09:00" says.

    Raises:
        NotAWallTime: the text has another form.
    """
    try:
        found = datetime.strptime(text, LOCAL_FORMAT)  # noqa: DTZ007  a wall time has no zone of its own
    except ValueError as error:
        raise NotAWallTime(value=text[:32]) from error
    if found.strftime(LOCAL_FORMAT) != text:  # "2026-3-9T9:00" would not sort among the others
        raise NotAWallTime(value=text[:32])
    if not FIRST_YEAR <= found.year <= LAST_YEAR:  # whatever the zone becomes, it stays an instant
        raise NotAWallTime(value=text[:32])
    return found


def to_instant(local: datetime | str, zone: str) -> datetime:
    """Return the instant, in UTC, that a wall time means in a zone; see the module for gaps and folds.

    Args:
        local: naive, or its text of minutes.
        zone: IANA name.

    Raises:
        NoSuchZone, NotAWallTime: one of the two cannot be read.
    """
    there = known_zone(zone)
    wall = parse_local(local) if isinstance(local, str) else local
    first = wall.replace(tzinfo=there, fold=0)
    if first.utcoffset() == first.replace(fold=1).utcoffset():
        return first.astimezone(UTC)
    instant = first.astimezone(UTC)
    if instant.astimezone(there).replace(tzinfo=None) == wall:
        return instant
    return _end_of_gap(wall, there)


def to_local(instant: datetime, zone: str) -> datetime:
    """Return the wall time, with its offset, that clocks of the zone show at an aware instant; in UTC where
    that would lie beyond the calendar.

    Raises:
        NoSuchZone: there is no such zone.
    """
    there = known_zone(zone)
    try:
        return instant.astimezone(there)
    except OverflowError:
        return instant.astimezone(UTC)


def local_text(instant: datetime | None, zone: str) -> str | None:
    """Return the wall time of an instant with its offset, "2026-03-29T09:00:00+02:00"; None for None."""
    return None if instant is None else to_local(instant, zone).isoformat()


def add_days(instant: datetime, days: int, zone: str, *, at: time | None = None) -> datetime:
    """Return the instant, in UTC, of the same wall time a number of calendar days later in the zone.

    A day over a change of the clocks has 23 or 25 hours, so that "three days after 9:00" is at 9:00.

    Args:
        instant: aware.
        days: from 0.
        zone: IANA name.
        at: the wall time on that day, None for the one it was. Beyond the calendar it is its last instant.
    """
    wall = to_local(instant, zone).replace(tzinfo=None, fold=0)
    try:
        wall += timedelta(days=days)
        return to_instant(wall if at is None else datetime.combine(wall.date(), at), zone)
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC) if wall.year > FIRST_YEAR else instant + timedelta(days=days)


def _end_of_gap(wall: datetime, there: ZoneInfo) -> datetime:
    """Return the first instant after the gap that a wall time lies in.

    With the offset of after the gap the wall time falls before the change, with the one of before it behind
    it. In between the offset changes once, at a full second, which is found by halving.
    """
    low = int(wall.replace(tzinfo=there, fold=1).timestamp())
    high = int(wall.replace(tzinfo=there, fold=0).timestamp())
    old = datetime.fromtimestamp(low, there).utcoffset()
    while high - low > 1:
        middle = (low + high) // 2
        if datetime.fromtimestamp(middle, there).utcoffset() == old:
            low = middle
        else:
            high = middle
    return datetime.fromtimestamp(high, UTC)
