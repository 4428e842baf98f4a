"""Progress lesson by lesson: over a run, learner by learner, and for authors over all runs of a course."""

import uuid
from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection
from django.db.models import Avg, Count, F, Q, QuerySet, Sum

from shared_apps.core.actors import Actor
from shared_apps.core.errors import NotFound
from shared_apps.core.policies import require
from tenant_apps.courses.policies import EDIT, visible_courses
from tenant_apps.learning.models import LessonRecord
from tenant_apps.learning.selectors.roster import Roster, get_roster
from tenant_apps.learning.types import Outline
from tenant_apps.runs.enums import EnrollmentState
from tenant_apps.runs.policies import visible_enrollments

# One text for each learner, so that ten thousand cells are a hundred rows.
_CELLS = """
SELECT r.enrollment_id,
       string_agg(r.lineage::text || ' ' || r.view_count || ' ' || r.reached_percent || ' '
                  || COALESCE(to_char(r.completed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), ''),
                  ',')
  FROM learning_lessonrecord r
  JOIN runs_enrollment e ON e.id = r.enrollment_id AND e.attempt = r.attempt
 WHERE r.enrollment_id = ANY(%s)
 GROUP BY r.enrollment_id
"""

# Titles of the current version, else of the newest that has the lesson.
_LESSON_STATS = """
WITH counted AS (
    SELECT rec.lineage, count(DISTINCT e.run_id) AS runs, count(DISTINCT e.id) AS learners,
           sum(rec.view_count) AS views, count(rec.completed_at) AS completions,
           count(DISTINCT e.id) FILTER (WHERE rec.completed_at IS NOT NULL) AS completed_by,
           sum(rec.watched_seconds) AS watched_seconds, avg(rec.reached_percent)::int AS reached_percent
      FROM runs_courserun r
      JOIN runs_enrollment e ON e.run_id = r.id
      JOIN learning_lessonrecord rec ON rec.enrollment_id = e.id
     WHERE r.course_id = %(course)s
     GROUP BY rec.lineage
), latest AS (
    SELECT DISTINCT ON (l.lineage) l.lineage, l.id, l.title, l.kind,
           v.id = c.current_version_id AS is_current,
           m.position AS module_position, COALESCE(p.position, l.position) AS lesson_position,
           l.parent_id IS NOT NULL AS is_topic, l.position
      FROM courses_lesson l
      JOIN courses_module m ON m.id = l.module_id
      JOIN courses_courseversion v ON v.id = l.version_id AND v.state = 'published'
      JOIN courses_course c ON c.id = v.course_id
      LEFT JOIN courses_lesson p ON p.id = l.parent_id
     WHERE v.course_id = %(course)s
     ORDER BY l.lineage, v.id = c.current_version_id DESC NULLS LAST, v.number DESC
)
SELECT latest.lineage, latest.id, latest.title, latest.kind, COALESCE(latest.is_current, false), is_topic,
       COALESCE(runs, 0), COALESCE(learners, 0), COALESCE(views, 0), COALESCE(completions, 0),
       COALESCE(completed_by, 0), COALESCE(watched_seconds, 0), COALESCE(reached_percent, 0)
  FROM latest LEFT JOIN counted USING (lineage)
 ORDER BY COALESCE(is_current, false) DESC, module_position, lesson_position, is_topic, latest.position,
          lineage
"""

LESSON_STATS = (
    "lineage",
    "lesson_id",
    "title",
    "kind",
    "is_current",
    "is_topic",
    "runs",
    "learners",
    "views",
    "completions",
    "completed_by",
    "watched_seconds",
    "reached_percent",
)


def lessons_of_run(*, actor: Actor, run_id: uuid.UUID) -> dict[str, Any]:
    """Return, for every lesson and topic of the run's version in order, how many opened and completed it in
    their current attempt, how often it was viewed and how long it was watched; of those the actor sees.

    Raises:
        NotFound: no such run, or none the actor sees.
        Forbidden: the actor sees the run but not who is in it.
    """
    outline = get_roster(actor=actor, run_id=run_id).outline
    people = _taking_part(actor, run_id)
    counted: dict[uuid.UUID, dict[str, Any]] = {
        row["lineage"]: {**row}
        for row in LessonRecord.objects.filter(
            enrollment__in=people.order_by().values("id"), attempt=F("enrollment__attempt")
        )
        .order_by()
        .values("lineage")
        .annotate(
            opened=Count("id", filter=Q(view_count__gt=0)),
            completed=Count("completed_at"),
            views=Sum("view_count"),
            watched_seconds=Sum("watched_seconds"),
            reached_percent=Avg("reached_percent"),
        )
    }
    return {
        "learners": people.count(),
        "lessons": [_counts(lesson, counted) for lesson in outline.lessons.values()],
    }


def cells_of(roster: Roster, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows of a page with what each learner did with every lesson, in one statement.

    `completed_at`, `views` and `reached` are lists in the order of `columns_of`.
    """
    found = _records([row["id"] for row in rows])
    lineages = [lesson["lineage"] for lesson in columns_of(roster.outline)]
    nothing: tuple[int, int, str | None] = (0, 0, None)
    shaped = []
    for row in rows:
        own = found.get(row["id"], {})
        cells = [own.get(lineage, nothing) for lineage in lineages]
        shaped.append(
            row
            | {
                "views": [views for views, _, _ in cells],
                "reached": [reached for _, reached, _ in cells],
                "completed_at_by_lesson": [at for _, _, at in cells],
            }
        )
    return shaped


def columns_of(outline: Outline) -> list[dict[str, Any]]:
    """Return the lessons, topics not among them, that the cells of a learner stand for."""
    return [
        {"id": outline.units[lineage].id, "lineage": lineage, "title": outline.units[lineage].title}
        for lineage in outline.order
    ]


def lesson_stats(*, actor: Actor, course_id: uuid.UUID) -> list[dict[str, Any]]:
    """Return views and completions of every published lesson of the course, over all its runs, versions and
    attempts, as dicts with `LESSON_STATS`; the current version's in order, then those that it lost.

    Raises:
        NotFound: no such course, or none the actor sees.
        Forbidden: the actor does not work on the course.
    """
    if not visible_courses(actor).filter(pk=course_id).exists():
        raise NotFound
    require(actor, EDIT, course_id)
    with connection.cursor() as cursor:
        cursor.execute(_LESSON_STATS, {"course": course_id})
        return [dict(zip(LESSON_STATS, row, strict=True)) for row in cursor.fetchall()]


def _taking_part(actor: Actor, run_id: uuid.UUID) -> QuerySet[Any]:
    return visible_enrollments(actor).filter(run_id=run_id).exclude(state=EnrollmentState.WITHDRAWN)


def _counts(lesson: dict[str, Any], counted: dict[uuid.UUID, dict[str, Any]]) -> dict[str, Any]:
    own = counted.get(uuid.UUID(lesson["lineage"]), {})
    return {
        **{
            name: lesson[name]
            for name in ("id", "lineage", "module_id", "parent_id", "title", "kind", "is_required")
        },
        **{name: own.get(name, 0) for name in ("opened", "completed", "views", "watched_seconds")},
        "reached_percent": int(own.get("reached_percent", 0)),
    }


def _records(
    enrollment_ids: Iterable[uuid.UUID],
) -> dict[uuid.UUID, dict[str, tuple[int, int, str | None]]]:
    with connection.cursor() as cursor:
        cursor.execute(_CELLS, [list(enrollment_ids)])
        return {
            enrollment_id: {
                lineage: (int(views), int(reached), at or None)
                for lineage, views, reached, at in (each.split(" ", 3) for each in text.split(","))
            }
            for enrollment_id, text in cursor.fetchall()
        }
