"""The lock of learning: the enrollment's row, so that one learner's steps in one run follow each other."""

import uuid
from dataclasses import dataclass

from tenant_apps.learning.policies import SEAT_MISSING, Terms
from tenants.context import current_organization
from tenants.postgresql.prepared import prepared_cursor

# In the mode that foreign keys to the row do not wait for; a suspension or withdrawal does.
_LOCK = f"""
SELECT e.state, e.expires_at, r.state, r.starts_at, r.ends_at, r.timezone, {SEAT_MISSING},
       r.id, r.course_id, r.version_id
  FROM runs_enrollment e
  JOIN runs_courserun r ON r.id = e.run_id
 WHERE e.id = %(enrollment)s AND e.member_id = %(member)s
   FOR NO KEY UPDATE OF e
"""  # noqa: S608  our own text


@dataclass(frozen=True, slots=True)
class LockedEnrollment:
    """An enrollment that this transaction has locked."""

    terms: Terms
    run_id: uuid.UUID
    course_id: uuid.UUID
    version_id: uuid.UUID


def lock_own_enrollment(enrollment_id: uuid.UUID, member_id: uuid.UUID) -> LockedEnrollment | None:
    """Lock the member's enrollment and return it, None when it is not theirs. One statement."""
    names = {"enrollment": enrollment_id, "member": member_id, "organization": current_organization().id}
    with prepared_cursor() as cursor:
        cursor.execute(_LOCK, names)
        row = cursor.fetchone()
    return LockedEnrollment(Terms(*row[:7]), *row[7:]) if row else None
