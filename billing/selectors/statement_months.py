"""Which months a subscription's statements cover: its billing periods, longer ones cut into months."""

import calendar
from collections.abc import Iterable, Iterator
from datetime import datetime

Window = tuple[datetime, datetime]

_DAYS_A_MONTH = 30.44


def months_of(
    begin: datetime, windows: Iterable[Window], *, end: datetime | None, until: datetime
) -> list[Window]:
    """Return the months one after the other, without gap or overlap, from `begin` on.

    Args:
        windows: the billing periods that are known, in any order. One that begins while another lasts (a new
            interval, a pause that ended) ends that one; time between two is cut into months too.
        end: when the subscription ended, None while it lasts.
        until: months that begin later are left out; the last one may end later.
    """
    found: list[Window] = []
    for start, stop, months in _segments(begin, windows, end, until):
        cursor = start
        for number in range(1, months):
            step = months_after(start, number)
            if cursor < step < stop:
                found.append((cursor, step))
                cursor = step
        if cursor < stop:
            found.append((cursor, stop))
    return [month for month in found if month[0] <= until]


def months_after(at: datetime, months: int) -> datetime:
    """Return the same day so many months later, or the month's last day where it has no such day."""
    year, month = divmod(at.year * 12 + at.month - 1 + months, 12)
    return at.replace(year=year, month=month + 1, day=min(at.day, calendar.monthrange(year, month + 1)[1]))


def _segments(
    begin: datetime, windows: Iterable[Window], end: datetime | None, until: datetime
) -> Iterator[tuple[datetime, datetime, int]]:
    """Yield start, end and number of months of each period, and of what lies between them."""
    known = sorted({window for window in windows if window[1] > begin and window[0] < window[1]})
    cursor = begin
    for place, (start, stop) in enumerate(known):
        following = [each[0] for each in known[place + 1 :] if each[0] > start]
        last = _least(stop, following[0] if following else None, end)
        if cursor < start:
            yield from _between(cursor, _least(start, end))
        start = max(start, cursor)
        if start < last:
            # A period of a month may last 28 to 31 days, by its anchor; it is one all the same.
            yield start, last, max(1, round((stop - start).days / _DAYS_A_MONTH))
        cursor = max(cursor, last)
    if end is None or cursor < end:
        yield from _between(cursor, end if end is not None else months_after(max(until, cursor), 1))


def _between(start: datetime, stop: datetime) -> Iterator[tuple[datetime, datetime, int]]:
    number = 0
    while months_after(start, number) < stop:
        yield months_after(start, number), min(stop, months_after(start, number + 1)), 1
        number += 1


def _least(first: datetime, *others: datetime | None) -> datetime:
    return min([first, *[each for each in others if each is not None]])
