"""What a player tells of watching, and what its reports come to. Pure; the writing bounds it by the clock."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

# Longer than any recording; a figure beyond it is none of a player's.
LONGEST_SECONDS = 48 * 3600


@dataclass(frozen=True, slots=True)
class Report:
    """One telling of a player.

    Attributes:
        lesson_id: as it stands in the learner's tree.
        position_seconds: where the player is.
        watched_seconds: how long the learner has watched this lesson altogether, by the player's count.
        percent: the furthest point, 0 to 100, as the player knows it; 0 when it says nothing.
        at: when it was told, by the player's clock; None for now.
    """

    lesson_id: uuid.UUID
    position_seconds: int = 0
    watched_seconds: int = 0
    percent: int = 0
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """What the reports about one lesson come to.

    Attributes:
        position_seconds: of the newest report.
        watched_seconds, percent: the highest of all.
        at: of the newest, by the server's clock and never after its now.
    """

    lesson_id: uuid.UUID
    position_seconds: int
    watched_seconds: int
    percent: int
    at: datetime


def fold(reports: Iterable[Report], *, now: datetime, sent_at: datetime | None) -> dict[uuid.UUID, Told]:
    """Return what the reports come to, by lesson id. Their order and repeats make no difference.

    A player's clock may be wrong by hours: where it said what it showed at sending, only the ages of the
    reports count, which a wrong clock gets right.

    Args:
        reports: in any order.
        now: the server's clock.
        sent_at: what the player's clock showed when it sent them.
    """
    skew = now - sent_at if sent_at is not None else timedelta()
    found: dict[uuid.UUID, Told] = {}
    for report in reports:
        at = now if report.at is None else min(_moved(report.at, skew), now)
        before = found.get(report.lesson_id)
        is_newest = before is None or (at, report.position_seconds) >= (before.at, before.position_seconds)
        found[report.lesson_id] = Told(
            lesson_id=report.lesson_id,
            position_seconds=report.position_seconds
            if before is None or is_newest
            else before.position_seconds,
            watched_seconds=max(report.watched_seconds, before.watched_seconds if before else 0),
            percent=max(report.percent, before.percent if before else 0),
            at=at if before is None or is_newest else before.at,
        )
    return found


def _moved(instant: datetime, skew: timedelta) -> datetime:
    # A date near the ends of the calendar cannot be moved; it says nothing, as one in the future does.
    try:
        return instant + skew
    except OverflowError:
        return instant
