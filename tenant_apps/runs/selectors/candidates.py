"""What enrolling has to know of people, for one person or ten thousand, in one statement.

It reads membership and seat from the shared tables beside the tenant's own, always with the organization
named: those tables hold every customer's rows.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from shared_apps.core.errors import DomainError
from tenant_apps.courses.content.terms import CourseTerms, access_ends_at
from tenant_apps.runs.enums import OCCUPYING, RunState
from tenant_apps.runs.errors import MemberNotActive, NotYourReport, SeatNeeded, UnknownMember
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

_RUN_TO_FILL = """
SELECT r.id, r.state, r.ends_at, r.capacity, r.has_waiting_list, r.course_id, c.access_type, c.access_days,
       EXISTS (SELECT 1 FROM courses_courseprerequisite WHERE course_id = r.course_id), c.state
  FROM runs_courserun r JOIN courses_course c ON c.id = r.course_id
 WHERE r.id = %s
   FOR KEY SHARE OF r
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

    @property
    def is_in(self) -> bool:
        """Tell whether the person holds a place of the run."""
        return self.enrollment_state in OCCUPYING


@dataclass(frozen=True, slots=True)
class RunToFill:
    """The facts of a run, and of its course, that enrolling looks at."""

    id: uuid.UUID
    state: str
    ends_at: datetime | None
    capacity: int | None
    has_waiting_list: bool
    course_id: uuid.UUID
    access_type: str
    access_days: int | None
    has_prerequisites: bool
    course_state: str

    def access_ends_at(self, since: datetime) -> datetime | None:
        """Return where access ends that begins at `since`, by the course's terms; None for never."""
        return access_ends_at(CourseTerms(access_type=self.access_type, access_days=self.access_days), since)

    def takes_people(self, at: datetime) -> bool:
        """Tell whether people can be let in: the run is open and has not ended."""
        return self.state == RunState.OPEN and (self.ends_at is None or self.ends_at > at)


def read_run_to_fill(run_id: uuid.UUID) -> RunToFill | None:
    """Return the run, its key locked until the commit, as a new enrollment's foreign key would lock it a
    moment later: a close or a change of capacity waits for enrollments in flight, which do not wait for each
    other.
    """
    with prepared_cursor() as cursor:
        cursor.execute(_RUN_TO_FILL, [run_id])
        found = cursor.fetchone()
    return RunToFill(*found) if found else None


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


def refusal_of(candidate: Candidate, only_reports: uuid.UUID | None = None) -> DomainError | None:
    """Return why the person cannot be let into a run now, places aside; None when nothing is in the way.

    Args:
        candidate: whom.
        only_reports: refuse whoever does not report to this member.
    """
    if only_reports is not None and candidate.manager_id != only_reports:
        return NotYourReport(member_id=str(candidate.member_id))
    if not candidate.exists:
        return UnknownMember(field="member_id", member_id=str(candidate.member_id))
    if candidate.membership not in {"active", "invited"}:
        return MemberNotActive(member_id=str(candidate.member_id), status=candidate.membership)
    if candidate.needs_seat and not candidate.has_seat:
        return SeatNeeded(member_id=str(candidate.member_id))
    return None


def find_user_id(*, member_id: uuid.UUID) -> uuid.UUID | None:
    """Return the login identity of a member, None for an unknown member."""
    with prepared_cursor() as cursor:
        cursor.execute("SELECT user_id FROM people_member WHERE id = %s", [member_id])
        row = cursor.fetchone()
    return row[0] if row else None
