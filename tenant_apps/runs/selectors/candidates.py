"""What enrolling has to know of people, for one person or ten thousand, in one statement.

It reads membership and seat from the shared tables beside the tenant's own, always with the organization
named: those tables hold every customer's rows.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from tenants.postgresql.prepared import prepared_cursor

_CANDIDATES = """
SELECT asked.id, p.id IS NOT NULL, p.manager_id, m.status, live.id IS NOT NULL,
       EXISTS (SELECT 1 FROM billing_seatassignment seat
                WHERE seat.subscription_id = live.id AND seat.membership_id = asked.id
                  AND seat.organization_id = %(organization)s AND seat.state <> 'revoked'),
       e.id, e.state
  FROM unnest(%(members)s::uuid[]) AS asked(id)
  LEFT JOIN people_member p ON p.id = asked.id
  LEFT JOIN accounts_membership m ON m.id = asked.id AND m.organization_id = %(organization)s
  LEFT JOIN runs_enrollment e ON e.run_id = %(run)s::uuid AND e.member_id = asked.id
  LEFT JOIN billing_subscription live
    ON live.organization_id = %(organization)s AND live.status <> 'canceled'
"""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One person who is to be in a run.

    Attributes:
        exists: there is such a member.
        manager_id: whom they report to.
        membership: status of the membership, None without one.
        needs_seat: the organization has a live subscription, so learning takes a seat.
        has_seat: the member holds a live one.
        enrollment_id, enrollment_state: the enrollment they already have in the run.
    """

    member_id: uuid.UUID
    exists: bool
    manager_id: uuid.UUID | None
    membership: str | None
    needs_seat: bool
    has_seat: bool
    enrollment_id: uuid.UUID | None
    enrollment_state: str | None


@dataclass(frozen=True, slots=True)
class RunToFill:
    """The facts of a run that enrolling looks at."""

    id: uuid.UUID
    state: str
    ends_at: datetime | None
    capacity: int | None


def find_candidates(
    *, organization_id: uuid.UUID, run_id: uuid.UUID | None, member_ids: Sequence[uuid.UUID]
) -> dict[uuid.UUID, Candidate]:
    """Return what is known of each person, by member id; unknown ids are answered too (`exists` False).

    Without a run nobody has an enrollment.
    """
    with prepared_cursor() as cursor:
        cursor.execute(
            _CANDIDATES, {"organization": organization_id, "run": run_id, "members": list(member_ids)}
        )
        return {row[0]: Candidate(*row) for row in cursor.fetchall()}


def find_user_id(*, member_id: uuid.UUID) -> uuid.UUID | None:
    """Return the login identity of a member, None for an unknown member."""
    with prepared_cursor() as cursor:
        cursor.execute("SELECT user_id FROM people_member WHERE id = %s", [member_id])
        row = cursor.fetchone()
    return row[0] if row else None
