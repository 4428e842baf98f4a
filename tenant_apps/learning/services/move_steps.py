"""What applying and undoing a move write: records, counters, completions. A fixed number of statements."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from shared_apps.core.ids import new_id
from shared_apps.core.transactions import require_transaction
from shared_apps.outbox.services.messages import Message, do_send
from tenant_apps.learning.content.moving import Standing
from tenant_apps.runs.selectors.moving import MovableRun
from tenant_apps.runs.services.moving import do_complete_many
from tenants.context import current_organization

COURSE_COMPLETED = "event.course_completed"
COMPLETION_TAKEN_BACK = "event.course_completion_taken_back"

# A lesson that was opened and not completed has its record; it keeps what is in it.
_GIVE = """
INSERT INTO learning_lessonrecord AS record
       (id, created_at, updated_at, enrollment_id, attempt, lineage, lesson_id, completed_at,
        position_seconds, watched_seconds, reached_percent, view_count, move_id)
SELECT given.id, %(now)s, %(now)s, given.enrollment, given.attempt, given.lineage, given.lesson, %(now)s,
       0, 0, 0, 0, %(move)s
  FROM unnest(%(ids)s::uuid[], %(enrollments)s::uuid[], %(attempts)s::int[], %(lineages)s::uuid[],
              %(lessons)s::uuid[]) AS given(id, enrollment, attempt, lineage, lesson)
    ON CONFLICT (enrollment_id, attempt, lineage) DO UPDATE
   SET completed_at = EXCLUDED.completed_at, move_id = EXCLUDED.move_id, updated_at = EXCLUDED.updated_at
 WHERE record.completed_at IS NULL
"""

_COUNT = """
INSERT INTO learning_courseprogress AS progress
       (enrollment_id, created_at, updated_at, completed_count, required_completed_count, completed_weight,
        last_lesson_id)
SELECT counted.enrollment, %(now)s, %(now)s, counted.completed, counted.required, counted.weight, counted.last
  FROM unnest(%(enrollments)s::uuid[], %(completed)s::int[], %(required)s::int[], %(weights)s::int[],
              %(lasts)s::uuid[]) AS counted(enrollment, completed, required, weight, last)
    ON CONFLICT (enrollment_id) DO UPDATE
   SET completed_count = EXCLUDED.completed_count,
       required_completed_count = EXCLUDED.required_completed_count,
       completed_weight = EXCLUDED.completed_weight,
       last_lesson_id = EXCLUDED.last_lesson_id,
       updated_at = EXCLUDED.updated_at
 WHERE (progress.completed_count, progress.required_completed_count, progress.completed_weight,
        progress.last_lesson_id)
       IS DISTINCT FROM
       (EXCLUDED.completed_count, EXCLUDED.required_completed_count, EXCLUDED.completed_weight,
        EXCLUDED.last_lesson_id)
"""

# Made by the move and untouched since: it goes. Opened or watched since: only the completion goes. Found by
# their whole key, as nothing else of a learner's records needs to be looked at.
_TAKEN = """
   AND record.enrollment_id = taken.enrollment AND record.attempt = taken.attempt
   AND record.lineage = taken.lineage AND record.move_id = %(move)s"""
_KEYS = "unnest(%(enrollments)s::uuid[], %(attempts)s::int[], %(lineages)s::uuid[])"
_FORGET = f"""
DELETE FROM learning_lessonrecord record USING {_KEYS} AS taken(enrollment, attempt, lineage)
 WHERE record.created_at >= %(moved_at)s
   AND record.opened_at IS NULL AND record.reported_at IS NULL AND record.view_count = 0
   AND record.watched_seconds = 0 AND record.position_seconds = 0 AND record.reached_percent = 0 {_TAKEN}
"""  # noqa: S608  our own text
_TAKE_BACK = f"""
UPDATE learning_lessonrecord record SET completed_at = NULL, move_id = NULL, updated_at = %(now)s
  FROM {_KEYS} AS taken(enrollment, attempt, lineage)
 WHERE true {_TAKEN}
"""  # noqa: S608  our own text


@dataclass(frozen=True, slots=True)
class GivenLesson:
    """A lesson that a learner gets as completed; `lesson_id` is its row in the version moved to."""

    enrollment_id: uuid.UUID
    attempt: int
    lineage: str
    lesson_id: str


@dataclass(frozen=True, slots=True)
class Count:
    """What a learner's counters are to be."""

    enrollment_id: uuid.UUID
    standing: Standing
    last_lesson_id: uuid.UUID | None


@dataclass(frozen=True, slots=True)
class Completion:
    """Somebody who completes the course by a move or its undoing."""

    enrollment_id: uuid.UUID
    member_id: uuid.UUID
    attempt: int


def do_give(given: Sequence[GivenLesson], *, now: datetime, move_id: uuid.UUID | None) -> None:
    """Complete these lessons; what is completed already stays as it is."""
    require_transaction()
    if given:
        _run(
            _GIVE,
            now=now,
            move=move_id,
            ids=[new_id() for _ in given],
            enrollments=[each.enrollment_id for each in given],
            attempts=[each.attempt for each in given],
            lineages=[each.lineage for each in given],
            lessons=[each.lesson_id for each in given],
        )


def do_forget(
    taken: Sequence[tuple[uuid.UUID, int, str]], *, move_id: uuid.UUID, moved_at: datetime, now: datetime
) -> None:
    """Take back what the move completed: (enrollment, attempt, lineage) of each lesson it gave."""
    require_transaction()
    if not taken:
        return
    enrollments, attempts, lineages = zip(*taken, strict=True)
    names = {
        "move": move_id,
        "moved_at": moved_at,
        "now": now,
        "enrollments": list(enrollments),
        "attempts": list(attempts),
        "lineages": list(lineages),
    }
    _run(_FORGET, **names)
    _run(_TAKE_BACK, **names)


def do_count(counts: Sequence[Count], *, now: datetime) -> None:
    """Write the counters that differ."""
    require_transaction()
    _run(
        _COUNT,
        now=now,
        enrollments=[each.enrollment_id for each in counts],
        completed=[each.standing.completed for each in counts],
        required=[each.standing.required_completed for each in counts],
        weights=[each.standing.weight for each in counts],
        lasts=[each.last_lesson_id for each in counts],
    )


def do_complete_by_move(
    completions: Sequence[Completion],
    *,
    run: MovableRun,
    version_id: uuid.UUID,
    cause: str,
    now: datetime,
) -> None:
    """Complete these enrollments, with one event each; `cause` keeps the events of two moves apart."""
    require_transaction()
    if not completions:
        return
    do_complete_many(enrollment_ids=[each.enrollment_id for each in completions], at=now)
    do_tell(COURSE_COMPLETED, completions, run=run, version_id=version_id, cause=cause)


def do_tell(
    topic: str, completions: Iterable[Completion], *, run: MovableRun, version_id: uuid.UUID, cause: str
) -> None:
    """Send one event for each of them."""
    events = [
        Message(
            topic=topic,
            payload={
                "enrollment_id": str(each.enrollment_id),
                "member_id": str(each.member_id),
                "run_id": str(run.id),
                "course_id": str(run.course_id),
                "version_id": str(version_id),
                "attempt": each.attempt,
            },
            dedupe_key=f"{topic.removeprefix('event.')}:{each.enrollment_id}:{cause}",
        )
        for each in completions
    ]
    do_send(events, organization_id=current_organization().id)


def _run(statement: str, **names: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, names)
