"""The lock of learning: the enrollment's row, so that one learner's steps in one run follow each other."""

import uuid
from dataclasses import dataclass, replace

from tenant_apps.learning.policies.facts import DONE, FACTS, FACTS_WIDTH, Done, Facts
from tenants.context import current_organization
from tenants.postgresql.prepared import prepared_cursor

# In the mode that foreign keys to the row do not wait for; a suspension or withdrawal does.
_LOCK = f"""
SELECT {FACTS},
       e.id, e.member_id, r.id, r.course_id, r.version_id
  FROM runs_enrollment e
  JOIN runs_courserun r ON r.id = e.run_id
 WHERE e.id = %(enrollment)s AND e.member_id = %(member)s
   FOR NO KEY UPDATE OF e
"""  # noqa: S608  our own text
_DONE = f"SELECT {DONE} FROM runs_enrollment e WHERE e.id = %(enrollment)s"  # noqa: S608


@dataclass(frozen=True, slots=True)
class LockedEnrollment:
    """An enrollment that this transaction has locked."""

    facts: Facts
    id: uuid.UUID
    member_id: uuid.UUID
    run_id: uuid.UUID
    course_id: uuid.UUID
    version_id: uuid.UUID

    def with_done(self) -> "LockedEnrollment":
        """Return the same with what is completed. A statement of its own, begun when the lock was held: it
        sees what the transaction waited for."""
        with prepared_cursor() as cursor:
            cursor.execute(_DONE, {"enrollment": self.id})
            (text,) = cursor.fetchone()
        return replace(self, facts=replace(self.facts, done=Done.read(text)))


def lock_enrollment_of(enrollment_id: uuid.UUID, member_id: uuid.UUID) -> LockedEnrollment | None:
    """Lock the member's enrollment and return it, None when it is not theirs. One statement."""
    names = {"enrollment": enrollment_id, "member": member_id, "organization": current_organization().id}
    with prepared_cursor() as cursor:
        cursor.execute(_LOCK, names)
        row = cursor.fetchone()
    return LockedEnrollment(Facts.read(row), *row[FACTS_WIDTH:]) if row else None
