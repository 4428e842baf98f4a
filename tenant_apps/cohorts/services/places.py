"""Join and leave cohorts: the place and what it does to the enrollment, together or not at all."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.db import connection

from shared_apps.audit.services import do_record
from shared_apps.core import clock
from shared_apps.core.actors import Actor
from shared_apps.core.errors import DomainError
from shared_apps.core.ids import new_id
from shared_apps.core.transactions import entry_transaction, require_transaction
from tenant_apps.cohorts.models import Cohort, CohortMember, LeaveRule
from tenant_apps.cohorts.policies import EDIT
from tenant_apps.cohorts.services.cohorts import do_lock_cohort
from tenant_apps.runs.enums import EnrollmentSource
from tenant_apps.runs.errors import MemberNotActive, UnknownMember
from tenant_apps.runs.policies import only_reports_of
from tenant_apps.runs.selectors.candidates import find_candidates
from tenant_apps.runs.services.enrolling import EnrollOutcome, EnrollRow, do_enroll
from tenant_apps.runs.services.enrollment_states import do_withdraw
from tenants.context import current_organization

_JOIN = """
INSERT INTO cohorts_cohortmember (id, created_at, updated_at, cohort_id, member_id, left_at)
SELECT asked.id, %(now)s, %(now)s, %(cohort)s, asked.member, NULL
  FROM unnest(%(ids)s::uuid[], %(members)s::uuid[]) AS asked(id, member)
    ON CONFLICT (cohort_id, member_id) DO UPDATE SET left_at = NULL, updated_at = EXCLUDED.updated_at
 WHERE cohorts_cohortmember.left_at IS NOT NULL
RETURNING member_id
"""


class PlaceOutcome(StrEnum):
    """What asking did."""

    JOINED = "joined"
    LEFT = "left"
    ALREADY = "already"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class PlaceRow:
    """The result for one person.

    Attributes:
        outcome: of the place in the cohort.
        enrollment: what happened in the cohort's run, None for a cohort without one.
        enrollment_id: the enrollment, when there is one.
        refusal: why the person has no place.
    """

    member_id: uuid.UUID
    outcome: PlaceOutcome
    enrollment: EnrollOutcome | None = None
    enrollment_id: uuid.UUID | None = None
    refusal: DomainError | None = None


def join_cohort(*, actor: Actor, cohort_id: uuid.UUID, member_ids: Sequence[uuid.UUID]) -> list[PlaceRow]:
    """Give people a place and, when the cohort has a run, enrol them; repeating changes nothing.

    Somebody the run refuses (no seat, no place left) has no place in the cohort either.

    Raises:
        NotFound: no such cohort, or none the actor sees.
        Forbidden: the actor may not manage it.
        RunClosed: the cohort's run takes nobody.
    """
    with entry_transaction():
        cohort = do_lock_cohort(actor=actor, cohort_id=cohort_id, rule=EDIT)
        rows = do_join(actor=actor, cohort=cohort, member_ids=member_ids)
        _audit(actor, cohort, "joined", [row.member_id for row in rows if row.outcome is PlaceOutcome.JOINED])
    return rows


def leave_cohort(*, actor: Actor, cohort_id: uuid.UUID, member_ids: Sequence[uuid.UUID]) -> list[PlaceRow]:
    """Take people out of the cohort, and out of its run when the cohort's rule says so.

    A course that is completed stays completed. Repeating changes nothing.

    Raises:
        NotFound: no such cohort, or none the actor sees.
        Forbidden: the actor may not manage it.
    """
    with entry_transaction():
        cohort = do_lock_cohort(actor=actor, cohort_id=cohort_id, rule=EDIT)
        asked = list(dict.fromkeys(member_ids))
        places = CohortMember.objects.filter(cohort_id=cohort_id, member_id__in=asked, left_at__isnull=True)
        leaving = set(places.values_list("member_id", flat=True))
        now = clock.now()
        places.update(left_at=now, updated_at=now)
        if leaving and cohort.run_id is not None and cohort.leave_rule == LeaveRule.WITHDRAW:
            # Grants from before cohorts were named on them carry no reference.
            do_withdraw(
                actor=actor,
                run_id=cohort.run_id,
                member_ids=sorted(leaving),
                source=EnrollmentSource.COHORT,
                references=["", str(cohort_id)],
            )
        _audit(actor, cohort, "left", sorted(leaving))
    return [
        PlaceRow(member_id, PlaceOutcome.LEFT if member_id in leaving else PlaceOutcome.ALREADY)
        for member_id in asked
    ]


def do_join(*, actor: Actor, cohort: Cohort, member_ids: Sequence[uuid.UUID]) -> list[PlaceRow]:
    """Give people a place in a cohort whose row the caller has locked, and enrol them in its run."""
    require_transaction()
    asked = list(dict.fromkeys(member_ids))
    enrolled: dict[uuid.UUID, EnrollRow] = {}
    if cohort.run_id is not None:
        rows = do_enroll(
            actor=actor,
            run_id=cohort.run_id,
            member_ids=asked,
            source=EnrollmentSource.COHORT,
            reference=str(cohort.id),
            only_reports=only_reports_of(actor, cohort.run_id),
        )
        enrolled = {row.member_id: row for row in rows}
        refused = {row.member_id: row.refusal for row in rows if row.refusal is not None}
    else:
        refused = _refused(asked)
    taking = [member_id for member_id in asked if member_id not in refused]
    joined = _write_places(cohort.id, taking)
    return [
        _row(member_id, enrolled.get(member_id), refused.get(member_id), has_joined=member_id in joined)
        for member_id in asked
    ]


def _row(
    member_id: uuid.UUID, enrolled: EnrollRow | None, refusal: DomainError | None, *, has_joined: bool
) -> PlaceRow:
    if refusal is not None:
        return PlaceRow(member_id, PlaceOutcome.REFUSED, refusal=refusal)
    return PlaceRow(
        member_id,
        PlaceOutcome.JOINED if has_joined else PlaceOutcome.ALREADY,
        enrollment=enrolled.outcome if enrolled else None,
        enrollment_id=enrolled.enrollment["id"] if enrolled else None,
    )


def _refused(member_ids: list[uuid.UUID]) -> dict[uuid.UUID, DomainError]:
    """Return who can have no place in a cohort without a run: strangers, and members who are not active."""
    known = find_candidates(organization_id=current_organization().id, run_id=None, member_ids=member_ids)
    refused: dict[uuid.UUID, DomainError] = {}
    for member_id, candidate in known.items():
        if not candidate.exists:
            refused[member_id] = UnknownMember(field="member_id", member_id=str(member_id))
        elif candidate.membership not in {"active", "invited"}:
            refused[member_id] = MemberNotActive(member_id=str(member_id), status=candidate.membership)
    return refused


def _write_places(cohort_id: uuid.UUID, member_ids: list[uuid.UUID]) -> set[uuid.UUID]:
    """Insert places, or clear the stamp of those who had left; return who had none before."""
    if not member_ids:
        return set()
    names: dict[str, Any] = {
        "now": clock.now(),
        "cohort": cohort_id,
        "ids": [new_id() for _ in member_ids],
        "members": member_ids,
    }
    with connection.cursor() as cursor:
        cursor.execute(_JOIN, names)
        return {row[0] for row in cursor.fetchall()}


def _audit(actor: Actor, cohort: Cohort, act: str, member_ids: list[uuid.UUID]) -> None:
    if not member_ids:
        return
    do_record(
        actor=actor,
        action=EDIT.name,
        organization_id=current_organization().id,
        target=cohort,
        changes={act: [str(member_id) for member_id in member_ids]},
    )
