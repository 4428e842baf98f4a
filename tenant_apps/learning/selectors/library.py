"""What a learner has: the list of courses and the tree of one. Hot paths, so plain SQL and plain dicts.

They join the rows of runs and courses that the learner's own enrollment points at; they write nothing.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared_apps.core import clock
from shared_apps.core.actors import Actor
from shared_apps.core.errors import NotFound
from shared_apps.core.policies import require
from tenant_apps.learning.policies import LEARN, SEAT_MISSING, Terms
from tenant_apps.learning.selectors.outlines import Outline, get_outline, get_outlines
from tenants.context import current_organization
from tenants.postgresql.prepared import prepared_cursor

# Few joins, since every one more makes planning dearer than running (seven cost 1.7 ms, these 0.3 ms): the
# version's number comes with its outline, the zone from a subquery of its own. The learner's enrollments are
# found first, else the planner walks everybody's, newest first, until the page is full. A learner's own
# choice of zone counts before the company's; the default is not a choice.
_COURSES = """
WITH own AS MATERIALIZED (SELECT * FROM runs_enrollment WHERE member_id = %(member)s {only})
SELECT e.id, e.state, e.created_at, e.completed_at, e.expires_at,
       r.id, r.title, r.state, r.starts_at, r.ends_at, r.timezone, r.version_id,
       c.id, c.title,
       p.last_lesson_id::text, p.last_accessed_at,
       (SELECT string_agg(done.lesson_id::text, ',') FROM learning_lessonprogress done
         WHERE done.enrollment_id = e.id),
       (SELECT COALESCE(NULLIF(u.timezone, 'UTC'), NULLIF(m.timezone, ''), 'UTC')
          FROM people_member m JOIN accounts_user u ON u.id = m.user_id WHERE m.id = e.member_id),
       {seat_missing}
  FROM own e
  JOIN runs_courserun r ON r.id = e.run_id
  JOIN courses_course c ON c.id = r.course_id
  LEFT JOIN learning_courseprogress p ON p.enrollment_id = e.id
 ORDER BY e.id {order} LIMIT %(limit)s
"""

_FIRST = _COURSES.format(only="", order="DESC", seat_missing=SEAT_MISSING)
_OLDER = _COURSES.format(only="AND id < %(edge)s", order="DESC", seat_missing=SEAT_MISSING)
_NEWER = _COURSES.format(only="AND id > %(edge)s", order="ASC", seat_missing=SEAT_MISSING)
_ONE = _COURSES.format(only="AND id = %(edge)s", order="DESC", seat_missing=SEAT_MISSING)


@dataclass(frozen=True, slots=True)
class LibraryPage:
    """One page of a learner's courses, newest first, and whether there are more on either side."""

    courses: list[dict[str, Any]]
    has_older: bool
    has_newer: bool


def list_my_courses(
    *,
    actor: Actor,
    limit: int,
    older_than: uuid.UUID | None = None,
    newer_than: uuid.UUID | None = None,
) -> LibraryPage:
    """Return the actor's enrollments, live and past: one query, and one more for outlines not yet in memory.

    Args:
        actor: the learner.
        limit: most rows.
        older_than, newer_than: enrollment id that the page starts behind, at most one of the two.

    Raises:
        Forbidden, Unauthenticated: not a member.
    """
    require(actor, LEARN)
    if older_than is not None:
        rows = _rows(_OLDER, actor, limit + 1, older_than)
    elif newer_than is not None:
        rows = _rows(_NEWER, actor, limit + 1, newer_than)
    else:
        rows = _rows(_FIRST, actor, limit + 1)
    more, rows = len(rows) > limit, rows[:limit]
    if newer_than is not None:
        rows.reverse()
    outlines = get_outlines({row[11] for row in rows})
    now = clock.now()
    return LibraryPage(
        courses=[_course(row, outlines[row[11]], now)[0] for row in rows],
        has_older=more if newer_than is None else True,
        has_newer=more if newer_than is not None else older_than is not None,
    )


def get_my_course(*, actor: Actor, enrollment_id: uuid.UUID) -> dict[str, Any]:
    """Return one of the actor's courses with its tree of published lessons, in order, with what is done.

    Raises:
        NotFound: no such enrollment, or somebody else's.
    """
    require(actor, LEARN)
    rows = _rows(_ONE, actor, 1, enrollment_id)
    if not rows:
        raise NotFound
    outline = get_outline(rows[0][11])
    course, done = _course(rows[0], outline, clock.now())
    course["modules"] = [
        {**module, "lessons": [{**lesson, "is_completed": lesson["id"] in done} for lesson in lessons]}
        for module, lessons in outline.modules
    ]
    return course


def _rows(statement: str, actor: Actor, limit: int, edge: uuid.UUID | None = None) -> list[tuple[Any, ...]]:
    names: dict[str, Any] = {
        "member": actor.member_id,
        "organization": current_organization().id,
        "limit": limit,
    }
    if edge is not None:
        names["edge"] = edge
    with prepared_cursor() as cursor:
        cursor.execute(statement, names)
        return list(cursor.fetchall())


def _course(row: tuple[Any, ...], outline: Outline, now: datetime) -> tuple[dict[str, Any], frozenset[str]]:
    """Return the JSON-ready course of one row, and the ids of its completed lessons."""
    (
        enrollment_id,
        state,
        enrolled_at,
        completed_at,
        expires_at,
        run_id,
        run_title,
        run_state,
        starts_at,
        ends_at,
        run_timezone,
        version_id,
        course_id,
        course_title,
        last_lesson_id,
        last_accessed_at,
        done_ids,
        timezone,
        seat_missing,
    ) = row
    done = frozenset(done_ids.split(",")) if done_ids else frozenset()
    following = outline.next_after(last_lesson_id, done)
    terms = Terms(state, expires_at, run_state, starts_at, ends_at, run_timezone, seat_missing)
    course = {
        "enrollment_id": enrollment_id,
        "state": state,
        "access": terms.access(now),
        "course": {"id": course_id, "title": course_title},
        "version": {"id": version_id, "number": outline.number},
        "run": {
            "id": run_id,
            "title": run_title,
            "starts_at": starts_at,
            "ends_at": ends_at,
            "timezone": run_timezone,
        },
        "progress": {
            "completed": len(done),
            "total": outline.total,
            "percent": outline.percent(len(done)),
            "last_accessed_at": last_accessed_at,
        },
        "next_lesson": None if following is None else {"id": following["id"], "title": following["title"]},
        "enrolled_at": enrolled_at,
        "completed_at": completed_at,
        "expires_at": expires_at,
        "timezone": timezone,
    }
    return course, done
