"""Put people into runs: one or ten thousand by the same statements, and once however often it is asked."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from shared_apps.audit.services import do_record
from shared_apps.core import clock
from shared_apps.core.actors import Actor
from shared_apps.core.errors import DomainError, NotFound
from shared_apps.core.ids import new_id
from shared_apps.core.policies import require
from shared_apps.core.transactions import entry_transaction, require_transaction
from tenant_apps.runs.enums import OCCUPYING, EnrollmentSource, EnrollmentState, RunState
from tenant_apps.runs.errors import (
    MemberNotActive,
    NotYourReport,
    RunClosed,
    RunFull,
    SeatNeeded,
    UnknownMember,
)
from tenant_apps.runs.locks import run_to_fill
from tenant_apps.runs.models import Enrollment
from tenant_apps.runs.policies import ENROL_MEMBERS, only_reports_of, sees_everything
from tenant_apps.runs.selectors.candidates import Candidate, RunToFill, find_candidates
from tenant_apps.runs.selectors.enrollments import ENROLLMENT_FIELDS
from tenant_apps.runs.selectors.runs import require_visible_run
from tenants.context import current_organization
from tenants.postgresql.prepared import prepared_cursor

# Its key is locked, as the new row's foreign key would do a moment later: a close or a change of capacity
# waits for enrollments in flight, and enrollments do not wait for each other.
_READ_RUN = "SELECT id, state, ends_at, capacity FROM runs_courserun WHERE id = %s FOR KEY SHARE"

_INSERT = f"""
INSERT INTO runs_enrollment ({", ".join(ENROLLMENT_FIELDS)})
SELECT asked.id, %(run)s, asked.member, asked.state, %(source)s, %(by)s,
       CASE asked.state WHEN 'active' THEN %(now)s::timestamptz END, NULL, %(expires)s, %(now)s, %(now)s
  FROM unnest(%(ids)s::uuid[], %(members)s::uuid[], %(states)s::text[]) AS asked(id, member, state)
    ON CONFLICT (run_id, member_id) DO NOTHING
RETURNING {", ".join(ENROLLMENT_FIELDS)}
"""  # noqa: S608  the field names are ours

_REACTIVATE = f"""
UPDATE runs_enrollment
   SET state = 'active', activated_at = %(now)s, expires_at = %(expires)s, source = %(source)s,
       enrolled_by_id = %(by)s, updated_at = %(now)s
 WHERE id = ANY(%(ids)s) AND state = 'withdrawn'
RETURNING {", ".join(ENROLLMENT_FIELDS)}
"""  # noqa: S608  the field names are ours


class EnrollOutcome(StrEnum):
    """What asking did."""

    ENROLLED = "enrolled"
    REACTIVATED = "reactivated"
    ALREADY = "already"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class EnrollRow:
    """The result for one person: the enrollment (`ENROLLMENT_FIELDS`), empty beside why there is none."""

    member_id: uuid.UUID
    outcome: EnrollOutcome
    enrollment: dict[str, Any] = field(default_factory=dict)
    refusal: DomainError | None = None


def enroll_member(
    *, actor: Actor, run_id: uuid.UUID, member_id: uuid.UUID, expires_at: datetime | None = None
) -> EnrollRow:
    """Enrol one person; a second time answers the same enrollment.

    Args:
        actor: an administrator, an instructor with the right to enrol, or the person's manager.
        run_id: an open run.
        member_id: whom.
        expires_at: the instant from which the person has no access any more, None for never.

    Raises:
        NotFound: no such run, or none the actor sees.
        Forbidden, NotYourReport: the actor may not enrol this person here.
        RunClosed, RunFull, UnknownMember, MemberNotActive, SeatNeeded: see there.
    """
    with entry_transaction():
        row = _enroll(actor, run_id, [member_id], expires_at)[0]
        if row.refusal is not None:
            raise row.refusal
        if row.outcome is not EnrollOutcome.ALREADY:
            do_record(
                actor=actor,
                action=ENROL_MEMBERS.name,
                organization_id=current_organization().id,
                target_kind="enrollment",
                target_id=row.enrollment["id"],
                changes={"run_id": str(run_id), "member_id": str(member_id), "outcome": row.outcome},
            )
    return row


def enroll_members(
    *,
    actor: Actor,
    run_id: uuid.UUID,
    member_ids: Sequence[uuid.UUID],
    expires_at: datetime | None = None,
) -> list[EnrollRow]:
    """Enrol many people; each has a row of the result, and one who is refused stops nobody else.

    Raises:
        NotFound: no such run, or none the actor sees.
        Forbidden: the actor may not enrol people here.
        RunClosed: the run takes nobody.
    """
    with entry_transaction():
        rows = _enroll(actor, run_id, member_ids, expires_at)
        changed = [row for row in rows if row.outcome in {EnrollOutcome.ENROLLED, EnrollOutcome.REACTIVATED}]
        if changed:
            do_record(
                actor=actor,
                action=ENROL_MEMBERS.name,
                organization_id=current_organization().id,
                target_kind="courserun",
                target_id=run_id,
                changes={"member_ids": [str(row.member_id) for row in changed]},
            )
    return rows


def do_enroll(
    *,
    actor: Actor,
    run_id: uuid.UUID,
    member_ids: Sequence[uuid.UUID],
    source: EnrollmentSource,
    expires_at: datetime | None = None,
    only_reports: uuid.UUID | None = None,
) -> list[EnrollRow]:
    """Enrol people in the open transaction, in the order given, as far as the run's places reach.

    Somebody whose membership is still an invitation is enrolled as pending; their first step in the course
    makes it active. Somebody who withdrew comes back in the same row, with their progress.

    Args:
        actor: who is noted on the enrollment; what they may do was checked by the entry service.
        run_id: the run.
        member_ids: whom; a repeated id counts once.
        source: the path taken.
        expires_at: see `enroll_member`.
        only_reports: refuse everybody who does not report to this member.

    Raises:
        NotFound: no such run.
        RunClosed: it takes nobody.
    """
    require_transaction()
    run = _open_run(run_id)
    asked = list(dict.fromkeys(member_ids))
    known = find_candidates(organization_id=current_organization().id, run_id=run_id, member_ids=asked)
    free = _free_places(run)
    rows: dict[uuid.UUID, EnrollRow] = {}
    new: list[Candidate] = []
    back: list[Candidate] = []
    for member_id in asked:
        candidate = known[member_id]
        if candidate.enrollment_state not in {None, EnrollmentState.WITHDRAWN}:
            continue
        refusal = _refusal_of(candidate, only_reports)
        if refusal is None and free is not None and len(new) + len(back) >= free:
            refusal = RunFull(capacity=run.capacity, places_free=0)
        if refusal is not None:
            rows[member_id] = EnrollRow(member_id, EnrollOutcome.REFUSED, refusal=refusal)
        elif candidate.enrollment_id is None:
            new.append(candidate)
        else:
            back.append(candidate)
    facts = {
        "run": run_id,
        "source": source,
        "by": actor.user_id,
        "expires": expires_at,
        "now": clock.now(),
    }
    rows |= _written(_INSERT, EnrollOutcome.ENROLLED, facts | _columns_of(new)) if new else {}
    ids = [candidate.enrollment_id for candidate in back]
    rows |= _written(_REACTIVATE, EnrollOutcome.REACTIVATED, facts | {"ids": ids}) if back else {}
    there = [member_id for member_id in asked if member_id not in rows]
    rows |= _present(run_id, there) if there else {}
    return [rows[member_id] for member_id in asked]


def _enroll(
    actor: Actor, run_id: uuid.UUID, member_ids: Sequence[uuid.UUID], expires_at: datetime | None
) -> list[EnrollRow]:
    if not sees_everything(actor):
        require_visible_run(actor=actor, run_id=run_id)
    require(actor, ENROL_MEMBERS, run_id)
    return do_enroll(
        actor=actor,
        run_id=run_id,
        member_ids=member_ids,
        source=EnrollmentSource.ADMIN,
        expires_at=expires_at,
        only_reports=only_reports_of(actor, run_id),
    )


def _open_run(run_id: uuid.UUID) -> RunToFill:
    with prepared_cursor() as cursor:
        cursor.execute(_READ_RUN, [run_id])
        found = cursor.fetchone()
    if found is None:
        raise NotFound
    run = RunToFill(*found)
    if run.state != RunState.OPEN or (run.ends_at is not None and run.ends_at <= clock.now()):
        raise RunClosed(state=run.state, ends_at=run.ends_at.isoformat() if run.ends_at else None)
    return run


def _free_places(run: RunToFill) -> int | None:
    """Return how many places are left, counted under the run's lock; None when there is no limit."""
    if run.capacity is None:
        return None
    run_to_fill(run.id).get()
    return run.capacity - Enrollment.objects.filter(run_id=run.id, state__in=OCCUPYING).count()


def _refusal_of(candidate: Candidate, only_reports: uuid.UUID | None) -> DomainError | None:
    if only_reports is not None and candidate.manager_id != only_reports:
        return NotYourReport(member_id=str(candidate.member_id))
    if not candidate.exists:
        return UnknownMember(field="member_id", member_id=str(candidate.member_id))
    if candidate.membership not in {"active", "invited"}:
        return MemberNotActive(member_id=str(candidate.member_id), status=candidate.membership)
    if candidate.needs_seat and not candidate.has_seat:
        return SeatNeeded(member_id=str(candidate.member_id))
    return None


def _columns_of(people: list[Candidate]) -> dict[str, list[Any]]:
    active = EnrollmentState.ACTIVE.value
    pending = EnrollmentState.PENDING.value
    return {
        "ids": [new_id() for _ in people],
        "members": [person.member_id for person in people],
        "states": [active if person.membership == "active" else pending for person in people],
    }


def _written(statement: str, outcome: EnrollOutcome, facts: dict[str, Any]) -> dict[uuid.UUID, EnrollRow]:
    with prepared_cursor() as cursor:
        cursor.execute(statement, facts)
        found = [dict(zip(ENROLLMENT_FIELDS, row, strict=True)) for row in cursor.fetchall()]
    return {each["member_id"]: EnrollRow(each["member_id"], outcome, each) for each in found}


def _present(run_id: uuid.UUID, member_ids: list[uuid.UUID]) -> dict[uuid.UUID, EnrollRow]:
    """Return the rows of those who are in the run already, also when somebody else put them in just now."""
    found = Enrollment.objects.filter(run_id=run_id, member_id__in=member_ids).values(*ENROLLMENT_FIELDS)
    return {each["member_id"]: EnrollRow(each["member_id"], EnrollOutcome.ALREADY, each) for each in found}
