"""What a learner's small writes beside the lessons stand on: one enrollment, and whether it is open."""

import uuid
from dataclasses import dataclass
from typing import Any

from shared_apps.core import clock
from shared_apps.core.actors import Actor
from shared_apps.core.errors import NotFound
from tenant_apps.learning.policies import FACTS, FACTS_WIDTH, Facts, decide
from tenant_apps.learning.policies.facts import DONE
from tenant_apps.learning.selectors.outlines import find_lesson, get_outline
from tenant_apps.learning.types import Outline
from tenants.context import current_organization
from tenants.postgresql.prepared import prepared_cursor

_STUDY = f"""
SELECT {FACTS}, {DONE}, e.id, r.version_id, r.course_id
  FROM runs_enrollment e
  JOIN runs_courserun r ON r.id = e.run_id
 WHERE e.id = %(enrollment)s AND e.member_id = %(member)s
"""  # noqa: S608  our own text


@dataclass(frozen=True, slots=True)
class Study:
    """One learner's enrollment at this instant."""

    enrollment_id: uuid.UUID
    course_id: uuid.UUID
    facts: Facts
    outline: Outline

    def require_open(self) -> None:
        """Raise the refusal that closes the course, if one does."""
        decide(self.facts, None, None, clock.now()).require_open()

    def require_lesson_open(self, lesson_id: uuid.UUID) -> None:
        """Raise NotFound for a lesson that is not there, and the refusal that closes it, if one does."""
        unit = self.outline.units[str(self.lineage_of(lesson_id))]
        decide(self.facts, self.outline, unit, clock.now()).require_open()

    def lineage_of(self, lesson_id: uuid.UUID) -> uuid.UUID:
        """Return what stands for the lesson, or topic, in every version.

        Raises:
            NotFound: no such published lesson.
        """
        found = find_lesson(self.outline, lesson_id, self.course_id)
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
    facts = Facts.read(row, row[FACTS_WIDTH])
    found_id, version_id, course_id = row[FACTS_WIDTH + 1 :]
    return Study(found_id, course_id, facts, get_outline(version_id))
