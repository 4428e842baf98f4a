"""Counters of progress, counted anew. They are written with every completion and should never be off; a
restored archive, or a row mended by hand, can make them so."""

import uuid

import structlog
from django.db import connection

from shared_apps.core import clock
from shared_apps.core.transactions import entry_transaction

log = structlog.get_logger(__name__)

_BATCH = 500

# What is required of a version where the author required nothing is everything.
_COUNTED = """
    SELECT e.id, count(l.id)::int AS completed,
           count(l.id) FILTER (WHERE l.is_required OR NOT EXISTS (
               SELECT 1 FROM courses_lesson needed
                WHERE needed.version_id = r.version_id AND needed.parent_id IS NULL
                  AND needed.is_published AND needed.is_required))::int AS required,
           COALESCE(sum(l.weight), 0)::int AS weight
      FROM runs_enrollment e
      JOIN runs_courserun r ON r.id = e.run_id
      LEFT JOIN (learning_lessonrecord record
                 JOIN courses_lesson l ON l.lineage = record.lineage AND l.parent_id IS NULL
                                      AND l.is_published)
        ON record.enrollment_id = e.id AND record.attempt = e.attempt AND record.completed_at IS NOT NULL
       AND l.version_id = r.version_id
     WHERE {which}
     GROUP BY e.id"""
_IS_OFF = """
  LEFT JOIN learning_courseprogress p ON p.enrollment_id = counted.id
 WHERE (COALESCE(p.completed_count, 0), COALESCE(p.required_completed_count, 0),
        COALESCE(p.completed_weight, 0)) <> (counted.completed, counted.required, counted.weight)"""
_FIND = f"""
WITH counted AS ({_COUNTED.format(which="(%(run)s::uuid IS NULL OR e.run_id = %(run)s)")})
SELECT counted.id FROM counted {_IS_OFF} ORDER BY counted.id
"""  # noqa: S608  our own text
_LOCK = "SELECT id FROM runs_enrollment WHERE id = ANY(%(ids)s) ORDER BY id FOR NO KEY UPDATE"
_HEAL = f"""
WITH counted AS ({_COUNTED.format(which="e.id = ANY(%(ids)s)")})
INSERT INTO learning_courseprogress AS progress
       (enrollment_id, created_at, updated_at, completed_count, required_completed_count, completed_weight)
SELECT counted.id, %(now)s, %(now)s, counted.completed, counted.required, counted.weight
  FROM counted {_IS_OFF}
    ON CONFLICT (enrollment_id) DO UPDATE
   SET completed_count = EXCLUDED.completed_count,
       required_completed_count = EXCLUDED.required_completed_count,
       completed_weight = EXCLUDED.completed_weight,
       updated_at = EXCLUDED.updated_at
"""  # noqa: S608  our own text


def recount_progress(*, run_id: uuid.UUID | None = None) -> list[uuid.UUID]:
    """Set every counter that is off to what a count of the records says, and return the enrollments mended.

    Looked for without a lock; what seems off is counted again under the learner's own, so that a completion
    that happens meanwhile is not lost.

    Args:
        run_id: only of this run; None for the whole organization.
    """
    with connection.cursor() as cursor:
        cursor.execute(_FIND, {"run": run_id})
        suspects = [row[0] for row in cursor.fetchall()]
    for start in range(0, len(suspects), _BATCH):
        ids = suspects[start : start + _BATCH]
        with entry_transaction(), connection.cursor() as cursor:
            cursor.execute(_LOCK, {"ids": ids})
            cursor.execute(_HEAL, {"ids": ids, "now": clock.now()})
    if suspects:
        log.warning("progress_recounted", enrollments=len(suspects))
    return suspects
