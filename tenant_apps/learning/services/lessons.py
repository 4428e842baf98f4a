"""Steps of a learner: opening and completing lessons."""

import uuid
from datetime import datetime
from typing import Any

from shared_apps.core import clock
from shared_apps.core.actors import Actor
from shared_apps.core.errors import NotFound
from shared_apps.core.ids import new_id
from shared_apps.core.policies import require
from shared_apps.core.transactions import entry_transaction
from tenant_apps.courses.content.kinds import is_completed_by_hand
from tenant_apps.learning.errors import LessonCompletesByItself, TopicsOpen
from tenant_apps.learning.locks import lock_enrollment_of
from tenant_apps.learning.policies import LEARN, decide
from tenant_apps.learning.policies.facts import Done
from tenant_apps.learning.selectors.lessons import get_lesson
from tenant_apps.learning.selectors.moving import find_moved_lesson
from tenant_apps.learning.selectors.outlines import get_outline
from tenant_apps.learning.services.completing import COURSE_COMPLETED, LessonCompleted, RunMoved, do_complete
from tenant_apps.learning.types import Outline, Unit
from tenants.postgresql.prepared import prepared_cursor

__all__ = ["COURSE_COMPLETED", "LessonCompleted", "complete_lesson", "open_lesson"]

# A visit waits for nobody: while a completion holds the enrollment, or somebody the counters, it is left out,
# since a completion writes the same facts.
_VISIT = """
WITH mine AS (
    SELECT id, attempt FROM runs_enrollment WHERE id = %(enrollment)s FOR NO KEY UPDATE SKIP LOCKED
), free AS (
    SELECT enrollment_id FROM learning_courseprogress WHERE enrollment_id = (SELECT id FROM mine)
       FOR UPDATE SKIP LOCKED
), touched AS (
    UPDATE learning_courseprogress progress
       SET last_lesson_id = %(lesson)s, last_accessed_at = %(now)s, updated_at = %(now)s
      FROM free WHERE progress.enrollment_id = free.enrollment_id
), opened AS (
    INSERT INTO learning_lessonrecord AS record
           (id, created_at, updated_at, enrollment_id, attempt, lineage, lesson_id, opened_at,
            position_seconds, watched_seconds, reached_percent, view_count)
    SELECT %(id)s, %(now)s, %(now)s, mine.id, mine.attempt, %(lineage)s, %(lesson)s, %(now)s, 0, 0, 0, 1
      FROM mine
        ON CONFLICT (enrollment_id, attempt, lineage) DO UPDATE
       SET view_count = record.view_count + 1, opened_at = COALESCE(record.opened_at, EXCLUDED.opened_at),
           updated_at = EXCLUDED.updated_at
)
INSERT INTO learning_courseprogress
       (enrollment_id, created_at, updated_at, completed_count, required_completed_count, completed_weight,
        last_lesson_id, last_accessed_at)
SELECT mine.id, %(now)s, %(now)s, 0, 0, 0, %(lesson)s, %(now)s FROM mine
 WHERE NOT EXISTS (SELECT 1 FROM learning_courseprogress WHERE enrollment_id = mine.id)
    ON CONFLICT (enrollment_id) DO NOTHING
"""


def open_lesson(
    *, actor: Actor, enrollment_id: uuid.UUID, lesson_id: uuid.UUID, language: str = ""
) -> dict[str, Any]:
    """Return the lesson to read, and note it as the place where the learner is.

    Raises:
        NotFound, and the refusals of a closed link: as `get_lesson`.
    """
    lesson = get_lesson(actor=actor, enrollment_id=enrollment_id, lesson_id=lesson_id, language=language)
    names: dict[str, Any] = {
        "id": new_id(),
        "enrollment": enrollment_id,
        "lesson": uuid.UUID(lesson["id"]),
        "lineage": lesson["lineage"],
        "now": clock.now(),
    }
    with prepared_cursor() as cursor:
        cursor.execute(_VISIT, names)
    return lesson


def complete_lesson(*, actor: Actor, enrollment_id: uuid.UUID, lesson_id: uuid.UUID) -> LessonCompleted:
    """Complete a lesson or topic, once; with the last one its rule takes, complete the course, once.

    The enrollment is locked first: of two parallel completions of the last two lessons the second sees the
    first one's count, so exactly one of them completes the course and sends its event.

    Raises:
        NotFound: no such enrollment of the actor, or no such published lesson in its version, nor one that
            goes on in it from the version the run moved from.
        LessonCompletesByItself, TopicsOpen: the learner's word does not complete this lesson.
        Forbidden: a link of the chain is closed; see `decide`.
    """
    require(actor, LEARN)
    now = clock.now()
    with entry_transaction():
        try:
            return _complete(actor.member_id, enrollment_id, lesson_id, now, is_sure=False)
        except RunMoved:  # while this waited; once the lock is held it cannot again
            return _complete(actor.member_id, enrollment_id, lesson_id, now, is_sure=True)


def _complete(
    member_id: uuid.UUID, enrollment_id: uuid.UUID, lesson_id: uuid.UUID, now: datetime, *, is_sure: bool
) -> LessonCompleted:
    """Do it once. `is_sure`: the lock was held before, so the version that is read is the run's of now."""
    enrollment = lock_enrollment_of(enrollment_id, member_id)
    if enrollment is None:
        raise NotFound
    outline = get_outline(enrollment.version_id)
    lesson = outline.lesson(lesson_id)
    if lesson is None and not is_sure:
        # Of another version than the one that was read, which may be the one left while this waited.
        raise RunMoved
    if lesson is None:
        moved_to = find_moved_lesson(enrollment_id=enrollment_id, member_id=member_id, lesson_id=lesson_id)
        if moved_to is None:
            raise NotFound
        lesson = outline.lesson(moved_to)
    if lesson is None:  # a topic of a lesson that is not published
        raise NotFound
    unit = outline.units[lesson["lineage"]]
    if outline.is_gated or enrollment.facts.date_texts:
        enrollment = enrollment.with_done()
    decide(enrollment.facts, outline, unit, now).require_open()
    _require_by_hand(outline, unit, enrollment.facts.done)
    return do_complete(enrollment, outline, unit, at=now)


def _require_by_hand(outline: Outline, unit: Unit, done: Done) -> None:
    """Raise where a learner's word is not what completes the unit; a repeat is answered as the first time."""
    if not is_completed_by_hand(unit.kind):
        raise LessonCompletesByItself(kind=unit.kind)
    missing = [each for each in unit.takes if each not in done]
    if missing and unit.lineage not in done:
        named = [outline.units[each] for each in missing]
        raise TopicsOpen(requires=[{"id": each.id, "title": each.title} for each in named])
