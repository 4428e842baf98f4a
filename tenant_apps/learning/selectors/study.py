"""What a learner's small writes beside the lessons stand on: one enrollment, whether it is open, and for what."""

import uuid
from dataclasses import dataclass
from typing import Any

from shared_apps.core import clock
from shared_apps.core.actors import Actor
from shared_apps.core.errors import NotFound
from tenant_apps.learning.policies import SEAT_MISSING, Terms
from tenant_apps.learning.selectors.outlines import Outline, get_outline
from tenants.context import current_organization
from tenants.postgresql.prepared import prepared_cursor

_STUDY = f"""
SELECT e.state, e.expires_at, r.state, r.starts_at, r.ends_at, r.timezone, {SEAT_MISSING},
       e.id, e.attempt, r.version_id, c.id, c.switches::text
  FROM runs_enrollment e
  JOIN runs_courserun r ON r.id = e.run_id
  JOIN courses_course c ON c.id = r.course_id
 WHERE e.id = %(enrollment)s AND e.member_id = %(member)s
"""  # noqa: S608  our own text


@dataclass(frozen=True, slots=True)
class Study:
    """One learner's enrollment at this instant."""

    enrollment_id: uuid.UUID
    attempt: int
    course_id: uuid.UUID
    terms: Terms
    outline: Outline
    switches: str

    def require_open(self) -> None:
        """Raise the refusal that closes the course, if one does."""
        self.terms.require_open(clock.now())

    def require_lesson_open(self, lesson_id: uuid.UUID) -> None:
        """Raise NotFound for a lesson that is not there, and the refusal that closes it, if one does."""
        if self.outline.lesson(lesson_id) is None:
            raise NotFound
        self.require_open()

    def lineage_of(self, lesson_id: uuid.UUID) -> uuid.UUID:
        """Return what stands for the lesson in every version.

        Raises:
            NotFound: no such published lesson.
        """
        found = self.outline.lesson(lesson_id)
        if found is None:
            raise NotFound
        return uuid.UUID(found["lineage"])


def get_study(*, actor: Actor, enrollment_id: uuid.UUID) -> Study:
    """Return the actor's enrollment. One query, and one more for an outline not yet in memory.

    Raises:
        NotFound: no such enrollment, or somebody else's.
    """
    names: dict[str, Any] = {
        "enrollment": enrollment_id,
        "member": actor.member_id,
        "organization": current_organization().id,
    }
    with prepared_cursor() as cursor:
        cursor.execute(_STUDY, names)
        row = cursor.fetchone()
    if row is None:
        raise NotFound
    found_id, attempt, version_id, course_id, switches = row[7:]
    return Study(found_id, attempt, course_id, Terms(*row[:7]), get_outline(version_id), switches)
