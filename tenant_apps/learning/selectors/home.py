"""What a learner sees first, in one answer; and the own courses filtered and sorted."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from shared_apps.core.actors import Actor
from shared_apps.core.policies import require
from tenant_apps.learning.policies import LEARN, Access
from tenant_apps.learning.selectors.library import LibraryPage, list_my_courses
from tenants.postgresql.prepared import prepared_cursor

# More enrollments than anybody has; beyond it the oldest are left out.
_MOST = 1000
# How many of each group the first page shows; the counts tell of the others.
_SHOWN = 50

_POSITION = """
SELECT r.position_seconds, r.reached_percent, l.duration_seconds, l.kind
  FROM courses_lesson l
  LEFT JOIN learning_lessonrecord r
    ON r.lineage = l.lineage AND r.enrollment_id = %(enrollment)s AND r.attempt = %(attempt)s
 WHERE l.id = %(lesson)s
"""

_WAITING = """
SELECT w.id, w.created_at, r.id, r.title, r.starts_at, r.timezone, c.id, c.title,
       (SELECT count(*) FROM runs_waitingplace before WHERE before.run_id = w.run_id AND before.id <= w.id)
  FROM runs_waitingplace w
  JOIN runs_courserun r ON r.id = w.run_id
  JOIN courses_course c ON c.id = r.course_id
 WHERE w.member_id = %(member)s
 ORDER BY w.id
 LIMIT %(limit)s
"""


class Shelf(StrEnum):
    """Where a course stands for its learner."""

    CURRENT = "current"
    UPCOMING = "upcoming"
    COMPLETED = "completed"
    PAST = "past"


class Sort(StrEnum):
    """In which order courses come."""

    NEWEST = "newest"
    TITLE = "title"
    LAST_ACCESS = "last_access"
    DUE = "due"


@dataclass(frozen=True, slots=True)
class ShelfFilter:
    """Which of the own courses, and in which order.

    Attributes:
        state: of the enrollment; "" for all.
        shelf: None for all.
        search: part of the title of course or run, whatever the case.
    """

    state: str = ""
    shelf: Shelf | None = None
    search: str = ""
    sort: Sort = Sort.NEWEST

    @property
    def is_plain(self) -> bool:
        """Whether it asks for everything, newest first."""
        return self == ShelfFilter()


def shelf_of(course: dict[str, Any]) -> Shelf:
    """Return where a course of `list_my_courses` stands: completed ones stay it after their run ended."""
    if course["state"] == "completed":
        return Shelf.COMPLETED
    if course["access"] == Access.NOT_STARTED:
        return Shelf.UPCOMING
    if course["access"] in {Access.OPEN, Access.SEAT_NEEDED}:
        return Shelf.CURRENT
    return Shelf.PAST


def list_shelf(
    *,
    actor: Actor,
    wanted: ShelfFilter,
    limit: int,
    older_than: uuid.UUID | None = None,
    newer_than: uuid.UUID | None = None,
    language: str = "",
) -> LibraryPage:
    """Return a page of the actor's courses, as `list_my_courses` does, filtered and sorted. In as many
    queries; a learner has few enough courses to sort them here.

    Args:
        actor: the learner.
        wanted: which, in which order.
        limit: most rows.
        older_than, newer_than: enrollment id that the page starts behind, or ends before.
        language: wanted, as BCP 47 says it; "" for the learner's own.
    """
    if wanted.is_plain:
        return list_my_courses(
            actor=actor, limit=limit, older_than=older_than, newer_than=newer_than, language=language
        )
    courses = _sorted(_kept(_all(actor, language), wanted), wanted.sort)
    ids = [course["enrollment_id"] for course in courses]
    if newer_than is not None:
        end = ids.index(newer_than) if newer_than in ids else 0
        start = max(0, end - limit)
    else:
        start = ids.index(older_than) + 1 if older_than in ids else 0
        end = start + limit
    return LibraryPage(courses[start:end], has_older=end < len(ids), has_newer=start > 0)


def get_home(*, actor: Actor, language: str = "") -> dict[str, Any]:
    """Return what a learner's first page shows: where to go on, and the courses by where they stand.

    Three queries, and one more for outlines not yet in memory, however many courses there are.

    Args:
        actor: the learner.
        language: wanted, as BCP 47 says it; "" for the learner's own.
    """
    require(actor, LEARN)
    shelves: dict[Shelf, list[dict[str, Any]]] = {shelf: [] for shelf in Shelf}
    for course in _all(actor, language):
        shelves[shelf_of(course)].append(course)
    current = _sorted(shelves[Shelf.CURRENT], Sort.LAST_ACCESS)
    waiting = _waiting(actor)
    return {
        "continue": _continue(current),
        "current": current[:_SHOWN],
        "upcoming": sorted(shelves[Shelf.UPCOMING], key=_starts)[:_SHOWN],
        "completed": sorted(shelves[Shelf.COMPLETED], key=_completed, reverse=True)[:_SHOWN],
        "waiting": waiting,
        "counts": {shelf.value: len(courses) for shelf, courses in shelves.items()}
        | {"waiting": len(waiting)},
    }


def _all(actor: Actor, language: str) -> list[dict[str, Any]]:
    return list_my_courses(actor=actor, limit=_MOST, language=language).courses


def _kept(courses: list[dict[str, Any]], wanted: ShelfFilter) -> list[dict[str, Any]]:
    part = wanted.search.casefold()
    return [
        course
        for course in courses
        if (not wanted.state or course["state"] == wanted.state)
        and (wanted.shelf is None or shelf_of(course) is wanted.shelf)
        and (part in course["course"]["title"].casefold() or part in course["run"]["title"].casefold())
    ]


def _sorted(courses: list[dict[str, Any]], sort: Sort) -> list[dict[str, Any]]:
    """Sort; courses that have nothing to be sorted by come last, and among equals the newest first."""
    match sort:
        case Sort.TITLE:
            return sorted(courses, key=lambda course: course["course"]["title"].casefold())
        case Sort.LAST_ACCESS:
            return sorted(courses, key=_last_access, reverse=True)
        case Sort.DUE:
            return sorted(courses, key=_due)
        case _:
            return courses


def _last_access(course: dict[str, Any]) -> tuple[bool, float]:
    at: datetime | None = course["progress"]["last_accessed_at"]
    return (at is not None, at.timestamp() if at else 0.0)


def _due(course: dict[str, Any]) -> tuple[bool, str]:
    deadline = course["next_deadline"]
    return (deadline is None, deadline["due_at"] if deadline else "")


def _starts(course: dict[str, Any]) -> tuple[bool, float]:
    at: datetime | None = course["run"]["starts_at"]
    return (at is None, at.timestamp() if at else 0.0)


def _completed(course: dict[str, Any]) -> float:
    at: datetime | None = course["completed_at"]
    return at.timestamp() if at else 0.0


def _continue(current: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Return the course visited last, the lesson to go on with and the place in it; None before any visit."""
    visited = [
        course
        for course in current
        if course["progress"]["last_accessed_at"]
        and course["next_lesson"]
        and course["access"] == Access.OPEN
    ]
    if not visited:
        return None
    course = visited[0]
    names = {
        "lesson": course["next_lesson"]["id"],
        "enrollment": course["enrollment_id"],
        "attempt": course["attempt"],
    }
    with prepared_cursor() as cursor:
        cursor.execute(_POSITION, names)
        position, reached, duration, kind = cursor.fetchone()
    return {
        "enrollment_id": course["enrollment_id"],
        "course": course["course"],
        "lesson": course["next_lesson"] | {"kind": kind},
        "position_seconds": position or 0,
        "duration_seconds": duration,
        "reached_percent": reached or 0,
        "percent": course["progress"]["percent"],
        "last_accessed_at": course["progress"]["last_accessed_at"],
        "next_deadline": course["next_deadline"],
    }


def _waiting(actor: Actor) -> list[dict[str, Any]]:
    with prepared_cursor() as cursor:
        cursor.execute(_WAITING, {"member": actor.member_id, "limit": _SHOWN})
        return [
            {
                "id": row[0],
                "since": row[1],
                "run": {"id": row[2], "title": row[3], "starts_at": row[4], "timezone": row[5]},
                "course": {"id": row[6], "title": row[7]},
                "place": row[8],
            }
            for row in cursor.fetchall()
        ]
