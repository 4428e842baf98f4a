"""Take what players tell of watching: late, twice, out of order, or wrong.

One statement for all lessons told of, which locks nothing but the rows it writes. What it keeps:

* `watched_seconds` is the learner's time, not the recording's. A second of the server's clock is counted at
  most once: it grows by no more than the time since the report counted last, and the first time since the
  lesson was opened. Whoever plays at double speed gets through in half the time, and has watched half.
* `position_seconds` is the newest report's; an older one that arrives later does not move it.
* `reached_percent` is the furthest point ever.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared_apps.core import clock
from shared_apps.core.actors import Actor
from shared_apps.core.errors import DomainError
from shared_apps.core.ids import new_id
from shared_apps.core.policies import require
from tenant_apps.learning.content.watching import Report, fold
from tenant_apps.learning.policies import LEARN
from tenant_apps.learning.selectors.study import Study, get_study
from tenants.postgresql.prepared import prepared_cursor

MOST_AT_ONCE = 200

# Rows in the order of their lineage, so that two batches of one learner lock them in one order. The counts of
# an opening are the opening's own; a report about a lesson never opened stands for one.
_REPORT = """
WITH told AS MATERIALIZED (
    SELECT t.id, t.lineage, t.lesson_id, t.watched, t.at,
           LEAST(t.position, NULLIF(l.duration_seconds, 0)) AS position,
           CASE WHEN l.duration_seconds > 0 THEN LEAST(100, t.position::bigint * 100 / l.duration_seconds)
                ELSE t.percent END AS percent
      FROM unnest(%(ids)s::uuid[], %(lineages)s::uuid[], %(lessons)s::uuid[], %(positions)s::int[],
                  %(watched)s::int[], %(percents)s::int[], %(instants)s::timestamptz[])
           AS t(id, lineage, lesson_id, position, watched, percent, at)
      JOIN courses_lesson l ON l.id = t.lesson_id
), written AS (
    INSERT INTO learning_lessonrecord AS r
           (id, created_at, updated_at, enrollment_id, attempt, lineage, lesson_id, opened_at,
            position_seconds, watched_seconds, reached_percent, view_count, reported_at)
    SELECT id, %(now)s, %(now)s, %(enrollment)s, %(attempt)s, lineage, lesson_id, %(now)s,
           position, 0, percent, 1, at
      FROM told ORDER BY lineage
        ON CONFLICT (enrollment_id, attempt, lineage) DO UPDATE
       SET updated_at = %(now)s,
           opened_at = COALESCE(r.opened_at, %(now)s),
           view_count = GREATEST(r.view_count, 1),
           position_seconds = CASE WHEN EXCLUDED.reported_at >= COALESCE(r.reported_at, '-infinity')
                                   THEN EXCLUDED.position_seconds ELSE r.position_seconds END,
           reached_percent = GREATEST(r.reached_percent, EXCLUDED.reached_percent),
           watched_seconds = LEAST(
               GREATEST(r.watched_seconds, (SELECT watched FROM told WHERE told.lineage = r.lineage)),
               r.watched_seconds + GREATEST(0, floor(extract(epoch FROM EXCLUDED.reported_at
                   - GREATEST(r.reported_at, COALESCE(r.opened_at, %(now)s)))))::int),
           reported_at = GREATEST(r.reported_at, EXCLUDED.reported_at)
    RETURNING lineage, position_seconds, watched_seconds, reached_percent, view_count, completed_at
), free AS (
    -- Somebody who watches is there: but a minute's precision will do, and nobody waits for it.
    SELECT enrollment_id FROM learning_courseprogress
     WHERE enrollment_id = %(enrollment)s AND last_accessed_at < %(now)s - interval '1 minute'
       FOR UPDATE SKIP LOCKED
), seen AS (
    UPDATE learning_courseprogress p SET last_accessed_at = %(now)s, updated_at = %(now)s
      FROM free WHERE p.enrollment_id = free.enrollment_id
)
SELECT told.lesson_id, position_seconds, watched_seconds, reached_percent, view_count, completed_at
  FROM written JOIN told USING (lineage)
"""


@dataclass(frozen=True, slots=True)
class Watched:
    """Where a learner stands in a lesson, after a report.

    Attributes:
        position_seconds: where to go on.
        watched_seconds: the learner's own time in it, as the server counts it.
        reached_percent: the furthest point, 0 to 100.
        view_count: how often it was opened.
    """

    lesson_id: uuid.UUID
    position_seconds: int
    watched_seconds: int
    reached_percent: int
    view_count: int
    completed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a batch.

    Attributes:
        lessons: those told of, in the order they were told of first.
        refused: lesson id and code of the refusal.
    """

    lessons: list[Watched]
    refused: list[dict[str, Any]]


def report_watching(
    *, actor: Actor, enrollment_id: uuid.UUID, report: Report, sent_at: datetime | None = None
) -> Watched:
    """Take one report.

    Args:
        actor: the learner.
        enrollment_id: the learner's own.
        report: what the player tells.
        sent_at: what its clock showed when it sent this.

    Raises:
        NotFound: no such enrollment of the actor, or no such published lesson in its version.
        Forbidden: the lesson is not open now; the code says why.
    """
    require(actor, LEARN)
    study = get_study(actor=actor, enrollment_id=enrollment_id)
    study.require_lesson_open(report.lesson_id)
    return _take(study, [report], sent_at)[0]


def report_watching_later(
    *, actor: Actor, enrollment_id: uuid.UUID, reports: Sequence[Report], sent_at: datetime | None = None
) -> Taken:
    """Take reports that were gathered while offline, about any lessons of one course, in any order.

    Lessons that are not open, or no longer there, are refused singly; the others count.

    Raises:
        NotFound: no such enrollment of the actor.
        Forbidden: the course is not open now; the code says why.
    """
    require(actor, LEARN)
    study = get_study(actor=actor, enrollment_id=enrollment_id)
    study.require_open()
    refused: dict[uuid.UUID, str] = {}
    for lesson_id in {report.lesson_id for report in reports}:
        try:
            study.require_lesson_open(lesson_id)
        except DomainError as error:
            refused[lesson_id] = error.code
    good = [report for report in reports if report.lesson_id not in refused]
    return Taken(
        lessons=_take(study, good, sent_at) if good else [],
        refused=[{"lesson_id": lesson_id, "code": code} for lesson_id, code in sorted(refused.items())],
    )


def _take(study: Study, reports: Sequence[Report], sent_at: datetime | None) -> list[Watched]:
    now = clock.now()
    told = list(fold(reports, now=now, sent_at=sent_at).values())
    names: dict[str, Any] = {
        "enrollment": study.enrollment_id,
        "attempt": study.facts.attempt,
        "now": now,
        "ids": [new_id() for _ in told],
        "lineages": [study.lineage_of(each.lesson_id) for each in told],
        "lessons": [each.lesson_id for each in told],
        "positions": [each.position_seconds for each in told],
        "watched": [each.watched_seconds for each in told],
        "percents": [each.percent for each in told],
        "instants": [each.at for each in told],
    }
    with prepared_cursor() as cursor:
        cursor.execute(_REPORT, names)
        found = {row[0]: Watched(*row) for row in cursor.fetchall()}
    return [found[each.lesson_id] for each in told]
