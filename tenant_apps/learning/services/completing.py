"""What completing does, whoever brings it about: the record, the counters, with the last one the course."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared_apps.core import clock
from shared_apps.core.ids import new_id
from shared_apps.core.transactions import require_transaction
from shared_apps.outbox.services.messages import Message, do_send
from tenant_apps.learning.locks import LockedEnrollment, lock_enrollment_of
from tenant_apps.learning.policies.deciding import LEARNING_STATES
from tenant_apps.learning.selectors.outlines import get_outline
from tenant_apps.learning.types import TOPIC, Outline, Unit
from tenant_apps.runs.enums import EnrollmentState
from tenant_apps.runs.services.enrollment_states import do_move
from tenants.context import current_organization
from tenants.postgresql.prepared import prepared_cursor

COURSE_COMPLETED = "event.course_completed"

# One statement: a completion that was there already counts 0, so the counters cannot drift from the rows.
# It looks at the run again: who waited for the lock while the run moved holds what was read before the wait.
_COMPLETE = """
WITH here AS (
    SELECT 1 FROM runs_courserun WHERE id = %(run)s AND version_id = %(version)s
), done AS (
    INSERT INTO learning_lessonrecord AS record
           (id, created_at, updated_at, enrollment_id, attempt, lineage, lesson_id, opened_at, completed_at,
            position_seconds, watched_seconds, reached_percent, view_count)
    SELECT %(id)s, %(now)s, %(now)s, %(enrollment)s, %(attempt)s, %(lineage)s, %(lesson)s, %(now)s, %(now)s,
           0, 0, 0, 0
      FROM here
        ON CONFLICT (enrollment_id, attempt, lineage) DO UPDATE
       SET completed_at = EXCLUDED.completed_at, updated_at = EXCLUDED.updated_at
     WHERE record.completed_at IS NULL
    RETURNING completed_at
), counted AS (
    INSERT INTO learning_courseprogress AS progress
           (enrollment_id, created_at, updated_at, completed_count, required_completed_count,
            completed_weight, last_lesson_id, last_accessed_at)
    SELECT %(enrollment)s, %(now)s, %(now)s, number * %(lessons)s, number * %(required)s, number * %(weight)s,
           %(lesson)s, %(now)s
      FROM here, (SELECT count(*) AS number FROM done) AS new
        ON CONFLICT (enrollment_id) DO UPDATE
       SET completed_count = progress.completed_count + EXCLUDED.completed_count,
           required_completed_count = progress.required_completed_count + EXCLUDED.required_completed_count,
           completed_weight = progress.completed_weight + EXCLUDED.completed_weight,
           last_lesson_id = EXCLUDED.last_lesson_id,
           last_accessed_at = EXCLUDED.last_accessed_at,
           updated_at = EXCLUDED.updated_at
    RETURNING completed_count, required_completed_count, completed_weight
)
SELECT COALESCE((SELECT completed_at FROM done),
                (SELECT completed_at FROM learning_lessonrecord
                  WHERE enrollment_id = %(enrollment)s AND attempt = %(attempt)s AND lineage = %(lineage)s)),
       completed_count, required_completed_count, completed_weight
  FROM counted
"""


class RunMoved(Exception):
    """The run moved to another version between the lock's statement and this one; nothing was written. Lock
    again: with the lock held, the run stays where it is."""


@dataclass(frozen=True, slots=True)
class LessonCompleted:
    """Where the learner stands after a completion.

    Attributes:
        completed_at: when this lesson was completed first.
        completed, total, percent: lessons of the course; percent by their weights.
        state: of the enrollment, "completed" once the course is.
    """

    enrollment_id: uuid.UUID
    lesson_id: uuid.UUID
    completed_at: datetime
    completed: int
    total: int
    percent: int
    state: str


def do_complete(
    enrollment: LockedEnrollment, outline: Outline, unit: Unit, *, at: datetime
) -> LessonCompleted:
    """Complete a lesson or topic of an enrollment that this transaction has locked. Whether it may be was
    decided before; where the outline is gated, `facts.done` must have been read.

    Raises:
        RunMoved: the enrollment was read before the run moved; lock it again.
    """
    require_transaction()
    found = _count(enrollment, outline, unit, at)
    if unit.level == TOPIC:
        lesson = outline.units[unit.parent]
        done = enrollment.facts.done
        if lesson.takes and all(each in done or each == unit.lineage for each in lesson.takes):
            found = (found[0], *_count(enrollment, outline, lesson, at)[1:])
    completed_at, completed, required, weight = found
    state = EnrollmentState(enrollment.facts.enrollment_state or "")
    if state is EnrollmentState.PENDING:
        do_move(enrollment_id=enrollment.id, wanted=EnrollmentState.ACTIVE)
        state = EnrollmentState.ACTIVE
    if state is EnrollmentState.ACTIVE and outline.is_finished(required=required, weight=weight):
        do_complete_course(enrollment)
        state = EnrollmentState.COMPLETED
    return LessonCompleted(
        enrollment_id=enrollment.id,
        lesson_id=uuid.UUID(unit.id),
        completed_at=completed_at,
        completed=completed,
        total=outline.total,
        percent=outline.percent(weight),
        state=state,
    )


def do_complete_linked(
    *, member_id: uuid.UUID, enrollment_id: uuid.UUID, lineage: uuid.UUID
) -> LessonCompleted | None:
    """Complete the lesson that a quiz, assignment, live class or package stands behind, when that is done.

    Needs an open transaction. The app that holds the linked object has checked that the work was let in in
    time; a mark that is given after the run's end still counts. None where there is nothing to complete: no
    such enrollment, one that is suspended or over, or a version without the lesson.
    """
    require_transaction()
    try:
        return _complete_linked(member_id, enrollment_id, lineage, is_sure=False)
    except RunMoved:
        return _complete_linked(member_id, enrollment_id, lineage, is_sure=True)


def _complete_linked(
    member_id: uuid.UUID, enrollment_id: uuid.UUID, lineage: uuid.UUID, *, is_sure: bool
) -> LessonCompleted | None:
    enrollment = lock_enrollment_of(enrollment_id, member_id)
    if enrollment is None or enrollment.facts.enrollment_state not in LEARNING_STATES:
        return None
    outline = get_outline(enrollment.version_id)
    unit = outline.units.get(str(lineage))
    if unit is None and not is_sure:
        raise RunMoved
    if unit is None or not unit.parent:
        return None
    if outline.is_gated:
        enrollment = enrollment.with_done()
    return do_complete(enrollment, outline, unit, at=clock.now())


def do_complete_course(enrollment: LockedEnrollment) -> bool:
    """Complete the course of a locked enrollment, with its one event; False when it was completed before."""
    require_transaction()
    if not do_move(enrollment_id=enrollment.id, wanted=EnrollmentState.COMPLETED):
        return False
    attempt = enrollment.facts.attempt
    event = Message(
        topic=COURSE_COMPLETED,
        payload={
            "enrollment_id": str(enrollment.id),
            "member_id": str(enrollment.member_id),
            "run_id": str(enrollment.run_id),
            "course_id": str(enrollment.course_id),
            "version_id": str(enrollment.version_id),
            "attempt": attempt,
        },
        # One event for each attempt, however often it is said.
        dedupe_key=f"course_completed:{enrollment.id}" + (f":{attempt}" if attempt > 1 else ""),
    )
    do_send([event], organization_id=current_organization().id)
    return True


def _count(
    enrollment: LockedEnrollment, outline: Outline, unit: Unit, at: datetime
) -> tuple[datetime, int, int, int]:
    names: dict[str, Any] = {
        "id": new_id(),
        "enrollment": enrollment.id,
        "attempt": enrollment.facts.attempt,
        "lineage": uuid.UUID(unit.lineage),
        "lesson": uuid.UUID(unit.id),
        "lessons": int(unit.level != TOPIC),
        "required": int(unit.lineage in outline.required),
        "weight": unit.weight,
        "run": enrollment.run_id,
        "version": enrollment.version_id,
        "now": at,
    }
    with prepared_cursor() as cursor:
        cursor.execute(_COMPLETE, names)
        row = cursor.fetchone()
    if row is None:
        raise RunMoved
    completed_at, completed, required, weight = row
    return completed_at, completed, required, weight
