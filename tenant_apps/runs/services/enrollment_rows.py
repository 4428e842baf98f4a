"""The statements that write enrollments, each with its grant: one person or ten thousand by the same ones."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from shared_apps.core import clock
from shared_apps.core.errors import DomainError
from shared_apps.core.ids import new_id
from tenant_apps.runs.enums import EnrollmentSource, EnrollmentState
from tenant_apps.runs.models import Enrollment
from tenant_apps.runs.selectors.candidates import Candidate
from tenant_apps.runs.selectors.enrollments import ENROLLMENT_FIELDS
from tenants.postgresql.prepared import prepared_cursor

# Whoever is in has no place on the waiting list any more, whatever way they came in.
_OFF_THE_LIST = """
    DELETE FROM runs_waitingplace
     WHERE run_id = %(run)s AND member_id IN (SELECT member_id FROM made)"""

_GRANT_COLUMNS = """(id, created_at, updated_at, enrollment_id, source, reference, starts_at, ends_at,
                     revoked_at, reason, granted_by_id)"""

_INSERT = f"""
WITH asked AS (
    SELECT * FROM unnest(%(ids)s::uuid[], %(grants)s::uuid[], %(members)s::uuid[], %(states)s::text[])
               AS t(id, grant_id, member, state)
), made AS (
    INSERT INTO runs_enrollment
           (id, run_id, member_id, state, source, enrolled_by_id, activated_at, completed_at, expires_at,
            attempt, started_at, state_reason, price_paid_minor, price_currency, order_id,
            created_at, updated_at)
    SELECT asked.id, %(run)s, asked.member, asked.state, %(source)s, %(by)s,
           CASE asked.state WHEN 'active' THEN %(now)s::timestamptz END, NULL, %(ends)s,
           1, NULL, '', %(price)s, %(currency)s, %(order)s, %(now)s, %(now)s
      FROM asked
        ON CONFLICT (run_id, member_id) DO NOTHING
    RETURNING {", ".join(ENROLLMENT_FIELDS)}
), granted AS (
    INSERT INTO runs_accessgrant {_GRANT_COLUMNS}
    SELECT asked.grant_id, %(now)s, %(now)s, made.id, %(source)s, %(reference)s, %(now)s, %(ends)s,
           NULL, '', %(by)s
      FROM made JOIN asked ON asked.id = made.id
), off_the_list AS ({_OFF_THE_LIST}
)
SELECT * FROM made
"""  # noqa: S608  the field names are ours

# Access ends with the last grant: this one, or another that still lives.
_REACTIVATE = f"""
WITH asked AS (
    SELECT * FROM unnest(%(ids)s::uuid[], %(grants)s::uuid[]) AS t(id, grant_id)
), made AS (
    UPDATE runs_enrollment e
       SET state = 'active', activated_at = %(now)s, source = %(source)s, enrolled_by_id = %(by)s,
           expires_at = CASE WHEN %(ends)s::timestamptz IS NULL OR others.endless THEN NULL
                             ELSE GREATEST(%(ends)s::timestamptz, others.last) END,
           state_reason = '', updated_at = %(now)s,
           price_paid_minor = COALESCE(%(price)s, e.price_paid_minor),
           price_currency = CASE WHEN %(price)s::bigint IS NULL THEN e.price_currency ELSE %(currency)s END,
           order_id = COALESCE(%(order)s, e.order_id)
      FROM asked, LATERAL (
               SELECT bool_or(g.ends_at IS NULL) AS endless, max(g.ends_at) AS last
                 FROM runs_accessgrant g
                WHERE g.enrollment_id = asked.id AND g.revoked_at IS NULL
                  AND (g.source, g.reference) <> (%(source)s, %(reference)s)
                  AND (g.ends_at IS NULL OR g.ends_at > %(now)s)) AS others
     WHERE e.id = asked.id AND e.state IN ('withdrawn', 'expired', 'refunded')
    RETURNING {", ".join(f"e.{name}" for name in ENROLLMENT_FIELDS)}
), granted AS (
    INSERT INTO runs_accessgrant AS old {_GRANT_COLUMNS}
    SELECT asked.grant_id, %(now)s, %(now)s, made.id, %(source)s, %(reference)s, %(now)s, %(ends)s,
           NULL, '', %(by)s
      FROM made JOIN asked ON asked.id = made.id
        ON CONFLICT (enrollment_id, source, reference) DO UPDATE
       SET starts_at = EXCLUDED.starts_at, ends_at = EXCLUDED.ends_at, revoked_at = NULL, reason = '',
           granted_by_id = EXCLUDED.granted_by_id, updated_at = EXCLUDED.updated_at
), off_the_list AS ({_OFF_THE_LIST}
)
SELECT * FROM made
"""  # noqa: S608  the field names are ours

# For people who are in already: one more reason, unless they have this one.
_GRANT = f"""
WITH granted AS (
    INSERT INTO runs_accessgrant AS old {_GRANT_COLUMNS}
    SELECT asked.grant_id, %(now)s, %(now)s, asked.id, %(source)s, %(reference)s, %(now)s, %(ends)s,
           NULL, '', %(by)s
      FROM unnest(%(ids)s::uuid[], %(grants)s::uuid[]) AS asked(id, grant_id)
        ON CONFLICT (enrollment_id, source, reference) DO UPDATE
       SET starts_at = EXCLUDED.starts_at, ends_at = EXCLUDED.ends_at, revoked_at = NULL, reason = '',
           granted_by_id = EXCLUDED.granted_by_id, updated_at = EXCLUDED.updated_at
     WHERE old.revoked_at IS NOT NULL
    RETURNING enrollment_id
)
UPDATE runs_enrollment e
   SET expires_at = CASE WHEN %(ends)s::timestamptz IS NULL THEN NULL
                         ELSE GREATEST(e.expires_at, %(ends)s::timestamptz) END,
       updated_at = %(now)s
  FROM granted
 WHERE granted.enrollment_id = e.id AND e.expires_at IS NOT NULL
"""  # noqa: S608  the column names are ours


class EnrollOutcome(StrEnum):
    """What asking did."""

    ENROLLED = "enrolled"
    REACTIVATED = "reactivated"
    ALREADY = "already"
    WAITING = "waiting"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class EnrollRow:
    """The result for one person.

    Attributes:
        enrollment: `ENROLLMENT_FIELDS`, empty where there is none.
        refusal: why there is none.
        place: on the waiting list, counted from 1.
        advised: courses that the person should have completed before, and has not.
    """

    member_id: uuid.UUID
    outcome: EnrollOutcome
    enrollment: dict[str, Any] = field(default_factory=dict)
    refusal: DomainError | None = None
    place: int | None = None
    advised: tuple[dict[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Paid:
    """What was paid for a place, in minor units of a currency (ISO 4217, lower case), and by which order."""

    minor: int
    currency: str
    order_id: uuid.UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """By which way people come into a run, and until when.

    Attributes:
        by: the user who lets them in; None for the system.
        reference: of the source: the order line, cohort or path; empty for an administrator's or one's own.
        ends_at: where the grant ends, None for never.
    """

    run_id: uuid.UUID
    source: EnrollmentSource
    by: uuid.UUID | None
    reference: str = ""
    ends_at: datetime | None = None
    paid: Paid | None = None

    def facts(self) -> dict[str, Any]:
        """Return the parameters that the statements share."""
        return {
            "run": self.run_id,
            "source": self.source.value,
            "reference": self.reference,
            "by": self.by,
            "ends": self.ends_at,
            "price": self.paid.minor if self.paid else None,
            "currency": self.paid.currency if self.paid else "",
            "order": self.paid.order_id if self.paid else None,
            "now": clock.now(),
        }


def write_new(entry: Entry, people: Sequence[Candidate]) -> dict[uuid.UUID, EnrollRow]:
    """Enrol people who were never in the run; whoever somebody else put in just now is left out."""
    if not people:
        return {}
    active, pending = EnrollmentState.ACTIVE.value, EnrollmentState.PENDING.value
    columns = {
        "ids": [new_id() for _ in people],
        "grants": [new_id() for _ in people],
        "members": [person.member_id for person in people],
        "states": [active if person.membership == "active" else pending for person in people],
    }
    return _written(_INSERT, EnrollOutcome.ENROLLED, entry.facts() | columns)


def write_back(entry: Entry, people: Sequence[Candidate]) -> dict[uuid.UUID, EnrollRow]:
    """Bring people back who withdrew, were refunded, or whose time was over; their progress is there."""
    # In one order, as everybody locks them: two lists that overlap do not wait for each other for ever.
    ids = sorted(person.enrollment_id for person in people if person.enrollment_id is not None)
    if not ids:
        return {}
    columns = {"ids": ids, "grants": [new_id() for _ in ids]}
    return _written(_REACTIVATE, EnrollOutcome.REACTIVATED, entry.facts() | columns)


def write_reason(entry: Entry, enrollment_ids: Sequence[uuid.UUID]) -> None:
    """Add the entry's grant to enrollments that have access by others; once for one source and reference."""
    if enrollment_ids:
        columns = {"ids": sorted(enrollment_ids), "grants": [new_id() for _ in enrollment_ids]}
        with prepared_cursor() as cursor:
            cursor.execute(_GRANT, entry.facts() | columns)


def read_present(run_id: uuid.UUID, member_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, EnrollRow]:
    """Return the rows of those who are in the run already, also when somebody else put them in just now."""
    found = Enrollment.objects.filter(run_id=run_id, member_id__in=list(member_ids)).values(
        *ENROLLMENT_FIELDS
    )
    return {each["member_id"]: EnrollRow(each["member_id"], EnrollOutcome.ALREADY, each) for each in found}


def _written(statement: str, outcome: EnrollOutcome, facts: dict[str, Any]) -> dict[uuid.UUID, EnrollRow]:
    with prepared_cursor() as cursor:
        cursor.execute(statement, facts)
        found = [dict(zip(ENROLLMENT_FIELDS, row, strict=True)) for row in cursor.fetchall()]
    return {each["member_id"]: EnrollRow(each["member_id"], outcome, each) for each in found}
