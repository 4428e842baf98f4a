"""What a learner has: the list of courses and the tree of one. Hot paths, so plain SQL and plain dicts.

They join the rows of runs and courses that the learner's own enrollment points at; they write nothing.
"""

import json
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared_apps.core import clock
from shared_apps.core.actors import Actor
from shared_apps.core.errors import NotFound
from shared_apps.core.policies import require
from tenant_apps.learning.policies import LEARN, Access, Facts, decide_course
from tenant_apps.learning.policies.facts import DONE, FACTS, FACTS_WIDTH
from tenant_apps.learning.selectors.deadlines import Deadlines
from tenant_apps.learning.selectors.outlines import Outline, get_outline, get_outlines
from tenant_apps.learning.selectors.trees import tree
from tenant_apps.runs.selectors.acts import can_leave_place
from tenants.context import current_organization
from tenants.postgresql.prepared import prepared_cursor

# Few joins, since every one more makes planning dearer than running (seven cost 1.7 ms, these 0.3 ms): the
# version's number comes with its outline, the zone from a subquery of its own. The learner's enrollments are
# found first, else the planner walks everybody's, newest first, until the page is full.
_COURSES = """
WITH own AS MATERIALIZED (SELECT * FROM runs_enrollment WHERE member_id = %(member)s {only})
SELECT {facts}, {done},
       e.id, e.created_at, e.completed_at, r.id, r.title, r.version_id,
       c.id, c.title, c.language, c.translations, c.switches ->> 'notes', e.source,
       p.last_lesson_id::text, p.last_accessed_at,
       (SELECT COALESCE(NULLIF(m.language, ''), u.language)
          FROM people_member m JOIN accounts_user u ON u.id = m.user_id WHERE m.id = e.member_id)
  FROM own e
  JOIN runs_courserun r ON r.id = e.run_id
  JOIN courses_course c ON c.id = r.course_id
  LEFT JOIN learning_courseprogress p ON p.enrollment_id = e.id
 ORDER BY e.id {order} LIMIT %(limit)s
"""

_FIRST = _COURSES.format(only="", order="DESC", facts=FACTS, done=DONE)
_OLDER = _COURSES.format(only="AND id < %(edge)s", order="DESC", facts=FACTS, done=DONE)
_NEWER = _COURSES.format(only="AND id > %(edge)s", order="ASC", facts=FACTS, done=DONE)
_ONE = _COURSES.format(only="AND id = %(edge)s", order="DESC", facts=FACTS, done=DONE)

_ABOUT = (
    "enrollment_id",
    "enrolled_at",
    "completed_at",
    "run_id",
    "run_title",
    "version_id",
    "course_id",
    "course_title",
    "written_in",
    "translations",
    "notes",
    "source",
    "last_lesson_id",
    "last_accessed_at",
    "wanted",
)


UNFINISHED = frozenset({"pending", "active"})


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
    language: str = "",
) -> LibraryPage:
    """Return the actor's enrollments, live and past: one query, and one more for outlines not yet in memory.

    Args:
        actor: the learner.
        limit: most rows.
        older_than, newer_than: enrollment id that the page starts behind, at most one of the two.
        language: wanted, as BCP 47 says it; "" for the learner's own.

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
    found = [_Row(row) for row in rows]
    outlines = get_outlines({row.about["version_id"] for row in found})
    now = clock.now()
    return LibraryPage(
        courses=[_course(row, outlines[row.about["version_id"]], now, language) for row in found],
        has_older=more if newer_than is None else True,
        has_newer=more if newer_than is not None else older_than is not None,
    )


def get_my_course(*, actor: Actor, enrollment_id: uuid.UUID, language: str = "") -> dict[str, Any]:
    """Return one of the actor's courses with its tree of published lessons, in order: for each whether it is
    done, whether it is open or what closes it, when it opens, and by when it is due.

    Args:
        actor: the learner.
        enrollment_id: the learner's own.
        language: wanted, as BCP 47 says it; "" for the learner's own.

    Raises:
        NotFound: no such enrollment, or somebody else's.
    """
    require(actor, LEARN)
    rows = _rows(_ONE, actor, 1, enrollment_id)
    if not rows:
        raise NotFound
    row = _Row(rows[0])
    outline = get_outline(row.about["version_id"])
    now = clock.now()
    course = _course(row, outline, now, language)
    served = outline.language_for(language or row.about["wanted"] or "")
    course["modules"] = tree(
        row.facts, outline, now, language=served, course_code=decide_course(row.facts, now).code
    )
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


class _Row:
    """One row of `_COURSES`: the facts that access depends on, and what is shown of the course."""

    def __init__(self, row: tuple[Any, ...]) -> None:
        self.facts = Facts.read(row, row[FACTS_WIDTH])
        self.about: dict[str, Any] = dict(zip(_ABOUT, row[FACTS_WIDTH + 1 :], strict=True))


def _course(row: _Row, outline: Outline, now: datetime, language: str) -> dict[str, Any]:
    """Return the JSON-ready course of one row."""
    facts, about = row.facts, row.about
    wanted = language or about["wanted"] or ""
    following = outline.next_after(about["last_lesson_id"], facts.done)
    title, served = _translated(about, wanted)
    served_in = outline.language_for(wanted)
    deadline = Deadlines(outline, facts.date_texts).next_for(facts)
    access = decide_course(facts, now).access
    return {
        "enrollment_id": about["enrollment_id"],
        "state": facts.enrollment_state,
        "attempt": facts.attempt,
        "access": access,
        "course": {"id": about["course_id"], "title": title},
        "version": {"id": about["version_id"], "number": outline.number},
        "run": {
            "id": about["run_id"],
            "title": about["run_title"],
            "starts_at": facts.starts_at,
            "ends_at": facts.ends_at,
            "timezone": facts.timezone,
        },
        "progress": {
            "completed": outline.completed_count(facts.done),
            "total": outline.total,
            "percent": outline.percent(outline.completed_weight(facts.done)),
            "last_accessed_at": about["last_accessed_at"],
        },
        "next_deadline": None if deadline is None else deadline.as_json(outline, now, served_in),
        "next_lesson": None
        if following is None
        else {
            "id": following["id"],
            "title": outline.title_of(following["lineage"], served_in),
        },
        "enrolled_at": about["enrolled_at"],
        # A restart keeps when the course was completed before; the attempt is not.
        "completed_at": None if facts.enrollment_state in UNFINISHED else about["completed_at"],
        "expires_at": facts.expires_at,
        "timezone": facts.zone,
        "language": served_in or served,
        "can": {
            "learn": access == Access.OPEN,
            # Stored only where it differs from its default, "on".
            "mark": access == Access.OPEN and about["notes"] != "false",
            "leave": can_leave_place(state=facts.enrollment_state, source=about["source"]),
        },
    }


def _translated(about: dict[str, Any], wanted: str) -> tuple[str, str]:
    """Return the course's title as it is wanted, and the language it comes in."""
    if about["translations"] not in (None, "{}"):
        translations = json.loads(about["translations"])
        for language in (wanted, wanted.split("-", 1)[0]):
            if title := translations.get(language, {}).get("title"):
                return title, language
    return about["course_title"], about["written_in"]
