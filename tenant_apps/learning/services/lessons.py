"""Steps of a learner: opening and completing lessons, and with the last one the course."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared_apps.core import clock
from shared_apps.core.actors import Actor
from shared_apps.core.errors import NotFound
from shared_apps.core.ids import new_id
from shared_apps.core.policies import require
from shared_apps.core.transactions import entry_transaction, require_transaction
from shared_apps.outbox.services.messages import Message, do_send
from tenant_apps.learning.locks import LockedEnrollment, lock_own_enrollment
from tenant_apps.learning.policies import LEARN
from tenant_apps.learning.selectors.lessons import get_lesson
from tenant_apps.learning.selectors.outlines import get_outline
from tenant_apps.runs.enums import EnrollmentState
from tenant_apps.runs.services.enrollment_states import do_move
from tenants.context import current_organization
from tenants.postgresql.prepared import prepared_cursor

COURSE_COMPLETED = "event.course_completed"

# A visit waits for nobody: while a completion holds the row it is left out, since that completion writes the
# same two facts.
_VISIT = """
WITH free AS (
    SELECT enrollment_id FROM learning_courseprogress WHERE enrollment_id = %(enrollment)s
       FOR UPDATE SKIP LOCKED
), touched AS (
    UPDATE learning_courseprogress progress
       SET last_lesson_id = %(lesson)s, last_accessed_at = %(now)s, updated_at = %(now)s
      FROM free WHERE progress.enrollment_id = free.enrollment_id
)
INSERT INTO learning_courseprogress
       (enrollment_id, created_at, updated_at, completed_count, required_completed_count,
        last_lesson_id, last_accessed_at)
SELECT %(enrollment)s, %(now)s, %(now)s, 0, 0, %(lesson)s, %(now)s
 WHERE NOT EXISTS (SELECT 1 FROM learning_courseprogress WHERE enrollment_id = %(enrollment)s)
    ON CONFLICT (enrollment_id) DO NOTHING
"""

# One statement: a completion that was there already counts 0, so the counters cannot drift from the rows.
_COMPLETE = """
WITH done AS (
    INSERT INTO learning_lessonprogress (id, created_at, updated_at, completed_at, enrollment_id, lesson_id)
    VALUES (%(id)s, %(now)s, %(now)s, %(now)s, %(enrollment)s, %(lesson)s)
        ON CONFLICT (enrollment_id, lesson_id) DO NOTHING
    RETURNING completed_at
), counted AS (
    INSERT INTO learning_courseprogress AS progress
           (enrollment_id, created_at, updated_at, completed_count, required_completed_count,
            last_lesson_id, last_accessed_at)
    SELECT %(enrollment)s, %(now)s, %(now)s, number, number * %(required)s, %(lesson)s, %(now)s
      FROM (SELECT count(*) AS number FROM done) AS new
        ON CONFLICT (enrollment_id) DO UPDATE
       SET completed_count = progress.completed_count + EXCLUDED.completed_count,
           required_completed_count = progress.required_completed_count + EXCLUDED.required_completed_count,
           last_lesson_id = EXCLUDED.last_lesson_id,
           last_accessed_at = EXCLUDED.last_accessed_at,
           updated_at = EXCLUDED.updated_at
    RETURNING completed_count, required_completed_count
)
SELECT COALESCE((SELECT completed_at FROM done),
                (SELECT completed_at FROM learning_lessonprogress
                  WHERE enrollment_id = %(enrollment)s AND lesson_id = %(lesson)s)),
       completed_count, required_completed_count
  FROM counted
"""


@dataclass(frozen=True, slots=True)
class LessonCompleted:
    """Where the learner stands after a completion.

    Attributes:
        completed_at: when this lesson was completed first.
        completed, total, percent: lessons of the course.
        state: of the enrollment, "completed" with the last required lesson.
    """

    enrollment_id: uuid.UUID
    lesson_id: uuid.UUID
    completed_at: datetime
    completed: int
    total: int
    percent: int
    state: str


def open_lesson(*, actor: Actor, enrollment_id: uuid.UUID, lesson_id: uuid.UUID) -> dict[str, Any]:
    """Return the lesson to read, and note it as the place where the learner is.

    Raises:
        NotFound, EnrollmentNotActive, EnrollmentExpired, RunNotOpen, SeatNeeded: as `get_lesson`.
    """
    lesson = get_lesson(actor=actor, enrollment_id=enrollment_id, lesson_id=lesson_id)
    names: dict[str, Any] = {"enrollment": enrollment_id, "lesson": lesson_id, "now": clock.now()}
    with prepared_cursor() as cursor:
        cursor.execute(_VISIT, names)
    return lesson


def complete_lesson(*, actor: Actor, enrollment_id: uuid.UUID, lesson_id: uuid.UUID) -> LessonCompleted:
    """Complete a lesson, once; with the last required lesson complete the course, once.

    The enrollment is locked first: of two parallel completions of the last two lessons the second sees the
    first one's count, so exactly one of them completes the course and sends its event.

    Raises:
        NotFound: no such enrollment of the actor, or no such published lesson in its version.
        EnrollmentNotActive, EnrollmentExpired, RunNotOpen, SeatNeeded: the lessons are not open now.
    """
    require(actor, LEARN)
    now = clock.now()
    with entry_transaction():
        enrollment = lock_own_enrollment(enrollment_id, actor.member_id)
        if enrollment is None:
            raise NotFound
        outline = get_outline(enrollment.version_id)
        if outline.lesson(lesson_id) is None:
            raise NotFound
        enrollment.terms.require_open(now)
        completed_at, completed, required = _count(
            enrollment_id, lesson_id, is_required=str(lesson_id) in outline.required, now=now
        )
        state = EnrollmentState(enrollment.terms.enrollment_state)
        if state is EnrollmentState.PENDING:
            do_move(enrollment_id=enrollment_id, wanted=EnrollmentState.ACTIVE)
            state = EnrollmentState.ACTIVE
        if state is EnrollmentState.ACTIVE and required >= len(outline.required):
            _do_complete_course(enrollment, enrollment_id, actor)
            state = EnrollmentState.COMPLETED
    return LessonCompleted(
        enrollment_id=enrollment_id,
        lesson_id=lesson_id,
        completed_at=completed_at,
        completed=completed,
        total=outline.total,
        percent=outline.percent(completed),
        state=state,
    )


def _count(
    enrollment_id: uuid.UUID, lesson_id: uuid.UUID, *, is_required: bool, now: datetime
) -> tuple[datetime, int, int]:
    names: dict[str, Any] = {
        "id": new_id(),
        "enrollment": enrollment_id,
        "lesson": lesson_id,
        "required": int(is_required),
        "now": now,
    }
    with prepared_cursor() as cursor:
        cursor.execute(_COMPLETE, names)
        completed_at, completed, required = cursor.fetchone()
    return completed_at, completed, required


def _do_complete_course(enrollment: LockedEnrollment, enrollment_id: uuid.UUID, actor: Actor) -> None:
    require_transaction()
    if not do_move(enrollment_id=enrollment_id, wanted=EnrollmentState.COMPLETED):
        return
    event = Message(
        topic=COURSE_COMPLETED,
        payload={
            "enrollment_id": str(enrollment_id),
            "member_id": str(actor.member_id),
            "run_id": str(enrollment.run_id),
            "course_id": str(enrollment.course_id),
            "version_id": str(enrollment.version_id),
        },
        dedupe_key=f"course_completed:{enrollment_id}",
    )
    do_send([event], organization_id=current_organization().id)
