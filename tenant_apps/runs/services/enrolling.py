"""Put people into runs: one or ten thousand by the same statements, and once however often it is asked."""

import uuid
from collections.abc import Sequence
from datetime import datetime

from shared_apps.audit.services import do_record
from shared_apps.core import clock
from shared_apps.core.actors import Actor
from shared_apps.core.errors import DomainError, NotFound
from shared_apps.core.policies import require
from shared_apps.core.transactions import entry_transaction, require_transaction
from tenant_apps.courses.enums import CourseState
from tenant_apps.runs.enums import OVER, EnrollmentSource
from tenant_apps.runs.errors import CourseNotOffered, PrerequisitesMissing, RunClosed, RunFull
from tenant_apps.runs.policies import EDIT, ENROL_MEMBERS, only_reports_of, sees_everything
from tenant_apps.runs.selectors.candidates import (
    Candidate,
    RunToFill,
    find_candidates,
    read_run_to_fill,
    refusal_of,
)
from tenant_apps.runs.selectors.prerequisites import Lack, lacking
from tenant_apps.runs.selectors.runs import require_visible_run
from tenant_apps.runs.services.enrollment_rows import (
    EnrollOutcome,
    EnrollRow,
    Entry,
    Paid,
    read_present,
    write_back,
    write_new,
    write_reason,
)
from tenant_apps.runs.services.waiting import do_free_places, do_wait
from tenants.context import current_organization

__all__ = ["EnrollOutcome", "EnrollRow", "Paid", "do_enroll", "enroll_member", "enroll_members"]

_CHANGED = {EnrollOutcome.ENROLLED, EnrollOutcome.REACTIVATED, EnrollOutcome.WAITING}


def enroll_member(
    *,
    actor: Actor,
    run_id: uuid.UUID,
    member_id: uuid.UUID,
    expires_at: datetime | None = None,
    ignore_prerequisites: bool = False,
) -> EnrollRow:
    """Enrol one person; a second time answers the same enrollment. A full run that has a waiting list puts
    them there instead.

    Args:
        actor: an administrator, an instructor with the right to enrol, or the person's manager.
        run_id: an open run.
        member_id: whom.
        expires_at: the instant from which the person has no access any more, None for the course's terms.
        ignore_prerequisites: let them in without the courses this one builds on; for administrators.

    Raises:
        NotFound: no such run, or none the actor sees.
        Forbidden, NotYourReport: the actor may not enrol this person here.
        RunClosed, RunFull, UnknownMember, MemberNotActive, SeatNeeded, PrerequisitesMissing: see there.
    """
    with entry_transaction():
        row = _enroll(actor, run_id, [member_id], expires_at, ignore_prerequisites)[0]
        if row.refusal is not None:
            raise row.refusal
        if row.outcome in _CHANGED:
            changes = {"run_id": str(run_id), "member_id": str(member_id), "outcome": row.outcome}
            do_record(
                actor=actor,
                action=ENROL_MEMBERS.name,
                organization_id=current_organization().id,
                target_kind="enrollment" if row.enrollment else "courserun",
                target_id=row.enrollment.get("id", run_id),
                changes=changes | ({"ignore_prerequisites": True} if ignore_prerequisites else {}),
            )
    return row


def enroll_members(
    *,
    actor: Actor,
    run_id: uuid.UUID,
    member_ids: Sequence[uuid.UUID],
    expires_at: datetime | None = None,
    ignore_prerequisites: bool = False,
) -> list[EnrollRow]:
    """Enrol many people; each has a row of the result, and one who is refused stops nobody else.

    Raises:
        NotFound: no such run, or none the actor sees.
        Forbidden: the actor may not enrol people here.
        RunClosed: the run takes nobody.
    """
    with entry_transaction():
        rows = _enroll(actor, run_id, member_ids, expires_at, ignore_prerequisites)
        entered = [row for row in rows if row.outcome in {EnrollOutcome.ENROLLED, EnrollOutcome.REACTIVATED}]
        waiting = [row for row in rows if row.outcome is EnrollOutcome.WAITING]
        if entered or waiting:
            changes: dict[str, object] = {"member_ids": [str(row.member_id) for row in entered]}
            if waiting:
                changes["waiting"] = [str(row.member_id) for row in waiting]
            do_record(
                actor=actor,
                action=ENROL_MEMBERS.name,
                organization_id=current_organization().id,
                target_kind="courserun",
                target_id=run_id,
                changes=changes | ({"ignore_prerequisites": True} if ignore_prerequisites else {}),
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
    reference: str = "",
    paid: Paid | None = None,
    may_wait: bool = False,
    with_prerequisites: bool = False,
) -> list[EnrollRow]:
    """Enrol people in the open transaction, in the order given, as far as the run's places reach.

    Each gets a grant of this source; who is in by another one keeps that beside it. Somebody whose membership
    is still an invitation is enrolled as pending; their first step in the course makes it active. Somebody
    who withdrew, was refunded or whose time was over comes back in the same row, with their progress.

    Args:
        actor: who is noted on the enrollment; what they may do was checked by the entry service.
        run_id: the run.
        member_ids: whom; a repeated id counts once.
        source: the path taken.
        expires_at: where the grant ends; None for the course's terms.
        only_reports: refuse everybody who does not report to this member.
        reference: what of that source it was: an order line, a cohort, a learning path.
        paid: what was paid; kept as it is, whatever the price becomes.
        may_wait: put whoever finds the run full on its waiting list, where it has one.
        with_prerequisites: refuse whoever lacks a required course, and tell of advised ones.

    Raises:
        NotFound: no such run.
        RunClosed, CourseNotOffered: it takes nobody, or its course is unpublished.
    """
    require_transaction()
    now = clock.now()
    run = _open_run(run_id, now)
    asked = list(dict.fromkeys(member_ids))
    free = do_free_places(run)
    known = find_candidates(organization_id=current_organization().id, run_id=run_id, member_ids=asked)
    lacks = lacking(run.course_id, asked) if with_prerequisites and run.has_prerequisites else {}
    sorted_out = _sort_out([known[each] for each in asked], free, run, only_reports, lacks)
    new, back, full, rows = sorted_out
    entry = Entry(
        run_id=run_id,
        source=source,
        by=actor.user_id,
        reference=reference,
        ends_at=expires_at or run.access_ends_at(now),
        paid=paid,
    )
    rows |= write_new(entry, new)
    rows |= write_back(entry, back)
    rows |= _turned_away(run, full, source, actor, may_wait=may_wait)
    there = [member_id for member_id in asked if member_id not in rows]
    if there:
        present = read_present(run_id, there)
        write_reason(entry, [row.enrollment["id"] for row in present.values()])
        rows |= present
    return [_with_advice(rows[member_id], lacks.get(member_id)) for member_id in asked]


def _enroll(
    actor: Actor,
    run_id: uuid.UUID,
    member_ids: Sequence[uuid.UUID],
    expires_at: datetime | None,
    ignore_prerequisites: bool,
) -> list[EnrollRow]:
    if not sees_everything(actor):
        require_visible_run(actor=actor, run_id=run_id)
    require(actor, ENROL_MEMBERS, run_id)
    if ignore_prerequisites:
        require(actor, EDIT, run_id)
    return do_enroll(
        actor=actor,
        run_id=run_id,
        member_ids=member_ids,
        source=EnrollmentSource.ADMIN,
        expires_at=expires_at,
        only_reports=only_reports_of(actor, run_id),
        may_wait=True,
        with_prerequisites=not ignore_prerequisites,
    )


def _open_run(run_id: uuid.UUID, now: datetime) -> RunToFill:
    run = read_run_to_fill(run_id)
    if run is None:
        raise NotFound
    if not run.takes_people(now):
        raise RunClosed(state=run.state, ends_at=run.ends_at.isoformat() if run.ends_at else None)
    # Who is in the run goes on; nobody else comes in while the course is out of the catalogue.
    if run.course_state == CourseState.UNPUBLISHED:
        raise CourseNotOffered(state=run.course_state)
    return run


def _sort_out(
    people: Sequence[Candidate],
    free: int | None,
    run: RunToFill,
    only_reports: uuid.UUID | None,
    lacks: dict[uuid.UUID, Lack],
) -> tuple[list[Candidate], list[Candidate], list[Candidate], dict[uuid.UUID, EnrollRow]]:
    """Return who is new, who comes back, who finds no place, and the rows of those who are refused."""
    new: list[Candidate] = []
    back: list[Candidate] = []
    full: list[Candidate] = []
    refused: dict[uuid.UUID, EnrollRow] = {}
    for person in people:
        if person.enrollment_id is not None and person.enrollment_state not in OVER:
            continue
        refusal: DomainError | None = refusal_of(person, only_reports)
        lack = lacks.get(person.member_id)
        if refusal is None and lack is not None and lack.required:
            refusal = PrerequisitesMissing(member_id=str(person.member_id), missing=list(lack.required))
        if refusal is not None:
            refused[person.member_id] = EnrollRow(person.member_id, EnrollOutcome.REFUSED, refusal=refusal)
        elif free is not None and len(new) + len(back) >= free:
            full.append(person)
        else:
            (new if person.enrollment_id is None else back).append(person)
    return new, back, full, refused


def _turned_away(
    run: RunToFill, people: list[Candidate], source: EnrollmentSource, actor: Actor, *, may_wait: bool
) -> dict[uuid.UUID, EnrollRow]:
    """Put those who found no place on the list, or refuse them."""
    ids = [person.member_id for person in people]
    if not ids:
        return {}
    if not (may_wait and run.has_waiting_list):
        full = RunFull(capacity=run.capacity, places_free=0)
        return {each: EnrollRow(each, EnrollOutcome.REFUSED, refusal=full) for each in ids}
    places = do_wait(run_id=run.id, member_ids=ids, source=source, by=actor.user_id)
    return {each: EnrollRow(each, EnrollOutcome.WAITING, place=places[each]) for each in ids}


def _with_advice(row: EnrollRow, lack: Lack | None) -> EnrollRow:
    if lack is None or not lack.advised:
        return row
    return EnrollRow(row.member_id, row.outcome, row.enrollment, row.refusal, row.place, lack.advised)
