"""One batch of rows: compared again under the locks, then written for all of them, or for none."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from billing.services.seats.bulk import do_lock_free_seats
from billing.services.seats.seats import do_assign_seats
from shared_apps.accounts.services.bulk import Admitted, NewPerson, do_admit_people, do_change_roles
from shared_apps.accounts.services.invitations import Invitee, do_mail_invitations, do_make_invitations
from shared_apps.audit.services import do_record
from shared_apps.core.actors import Actor, Role
from shared_apps.core.transactions import require_transaction
from tenant_apps.cohorts.services.bulk_places import do_ensure_cohorts, do_give_places
from tenant_apps.people.services.bulk import NewMember, do_add_members, do_change_members
from tenant_apps.rosters.enums import RowAction, RowResult
from tenant_apps.rosters.models import RosterImport
from tenant_apps.rosters.parsing import RosterRow
from tenant_apps.rosters.parsing.values import fold_name
from tenant_apps.rosters.selectors.known import read_known
from tenant_apps.rosters.services.comparing import MEMBER_FIELDS, Comparer, is_as_planned
from tenant_apps.rosters.services.stored_rows import PlannedRow, RowOutcome, write_outcomes
from tenant_apps.rosters.services.verdicts import RosterOptions, Verdict
from tenant_apps.runs.enums import EnrollmentSource
from tenant_apps.runs.services.bulk_enrollment import do_lock_room
from tenant_apps.runs.services.enrolling import do_enroll
from tenants.scope import OrganizationRef


@dataclass(frozen=True, slots=True)
class Task:
    """One row to be written: as planned, and what it means now."""

    planned: PlannedRow
    verdict: Verdict

    @property
    def number(self) -> int:
        """Return the row's number in the file."""
        return self.planned.row.row


def do_apply_batch(
    *,
    actor: Actor,
    roster: RosterImport,
    organization: OrganizationRef,
    rows: Sequence[PlannedRow],
    may_make_admins: bool,
) -> None:
    """Apply some rows and write their results, in the open transaction of the batch.

    The caller holds the lock of applying. Locks follow one order: subscription, runs, users, so batches and
    seat commands of all organizations wait for each other and never deadlock.

    Args:
        may_make_admins: whether the person who applies the plan could make administrators by hand.

    Raises:
        IntegrityError: somebody outside of imports took an address or employee id at this very moment; roll
            back and run the batch again, which then sees it.
    """
    require_transaction()
    options = RosterOptions.from_json(roster.options)
    free_seats = do_lock_free_seats(organization_id=organization.id)
    known = read_known(
        organization_id=organization.id,
        run_id=options.run_id,
        emails=[planned.row.email for planned in rows],
        employee_ids=[planned.row.employee_id for planned in rows if planned.row.employee_id],
    )
    cohorts = {fold_name(planned.row.cohort) for planned in rows}
    run_ids = {cohort.run_id for name, cohort in known.cohorts.items() if name in cohorts} | {options.run_id}
    known.room.update(do_lock_room([run_id for run_id in run_ids if run_id is not None]))
    comparer = Comparer(known, options, uploader_id=roster.uploaded_by_id, may_make_admins=may_make_admins)
    outcomes: list[RowOutcome] = []
    tasks: list[Task] = []
    for planned in rows:
        verdict = comparer.compare(planned.row)
        settled = _settle(planned, verdict, seats_left=free_seats)
        if settled is not None:
            outcomes.append(settled)
            comparer.release(verdict)
            continue
        free_seats -= verdict.needs_seat
        tasks.append(Task(planned, verdict))
    if tasks:
        members = _do_write(actor, roster, organization, options, tasks)
        outcomes += [
            RowOutcome(task.number, RowResult.DONE, member_id=members[task.planned.row.email])
            for task in tasks
        ]
    write_outcomes(roster.id, outcomes)


def _settle(planned: PlannedRow, verdict: Verdict, *, seats_left: int) -> RowOutcome | None:
    """Return the result of a row that is not to be written, None for one that is."""
    number, member_id = planned.row.row, verdict.member_id
    if verdict.refusal is not None:
        return RowOutcome(number, RowResult.REFUSED, verdict.refusal.code, member_id)
    if verdict.action is RowAction.SKIP:
        return RowOutcome(number, RowResult.UNCHANGED, member_id=member_id)
    if verdict.action is RowAction.CHANGE and not is_as_planned(
        planned.action, planned.changes, verdict.changes
    ):
        return RowOutcome(number, RowResult.REFUSED, "plan_stale", member_id)
    if verdict.needs_seat and seats_left < 1:
        return RowOutcome(number, RowResult.REFUSED, "seats_exhausted", member_id)
    return None


def _do_write(
    actor: Actor,
    roster: RosterImport,
    organization: OrganizationRef,
    options: RosterOptions,
    tasks: Sequence[Task],
) -> dict[str, uuid.UUID]:
    """Write everything the rows ask for; return the member id of each address."""
    added = [task for task in tasks if task.verdict.action is RowAction.ADD]
    changed = [task for task in tasks if task.verdict.action is RowAction.CHANGE]
    # Each step with its own statement order; people first, since everything else points at them.
    admitted = _do_add(organization, options, added)
    members = {email: person.membership_id for email, person in admitted.items()}
    members |= {task.planned.row.email: _existing(task) for task in changed}
    roles = _do_change(organization, changed)
    seated = [members[task.planned.row.email] for task in tasks if task.verdict.needs_seat]
    if seated:
        do_assign_seats(actor=actor, organization_id=organization.id, membership_ids=seated)
    _do_group(actor, options, tasks, members)
    _do_invite(actor, organization, options, added, admitted)
    do_record(
        actor=actor,
        action="rosters.apply",
        organization_id=organization.id,
        target=roster,
        changes={
            "rows": [tasks[0].number, tasks[-1].number],
            "added": len(added),
            "changed": len(changed),
            "seats": len(seated),
            "roles": roles,
        },
    )
    return members


def _do_add(
    organization: OrganizationRef, options: RosterOptions, added: Sequence[Task]
) -> dict[str, Admitted]:
    if not added:
        return {}
    rows = [task.planned.row for task in added]
    admitted = do_admit_people(
        organization_id=organization.id,
        people=[
            NewPerson(
                email=row.email,
                role=_role_of(row, options),
                name=f"{row.first_name} {row.last_name}".strip(),
                timezone=row.timezone or organization.timezone,
                language=row.language or organization.language,
            )
            for row in rows
        ],
    )
    do_add_members(
        [
            NewMember(
                membership_id=admitted[row.email].membership_id,
                user_id=admitted[row.email].user_id,
                email=row.email,
                facts={field: getattr(row, column) for column, field in MEMBER_FIELDS.items()},
            )
            for row in rows
        ]
    )
    return admitted


def _do_change(organization: OrganizationRef, changed: Sequence[Task]) -> list[list[str]]:
    """Write changed facts and roles; return [member id, old role, new role] for the audit log."""
    facts: dict[uuid.UUID, dict[str, Any]] = {}
    roles: dict[uuid.UUID, Role] = {}
    told: list[list[str]] = []
    for task in changed:
        member_id = _existing(task)
        row, changes = task.planned.row, task.verdict.changes
        facts[member_id] = {
            field: getattr(row, column) for column, field in MEMBER_FIELDS.items() if column in changes
        }
        if "role" in changes:
            roles[member_id] = Role(row.role)
            told.append([str(member_id), *changes["role"]])
    do_change_members(facts)
    if roles:
        do_change_roles(organization_id=organization.id, roles=roles)
    return told


def _do_group(
    actor: Actor, options: RosterOptions, tasks: Sequence[Task], members: dict[str, uuid.UUID]
) -> None:
    """Give cohort places and enrol in the runs, each person in those that the comparison found missing."""
    joining = [task.planned.row for task in tasks if task.verdict.gets_place]
    cohorts = do_ensure_cohorts(row.cohort for row in joining)
    do_give_places((cohorts[row.cohort], members[row.email]) for row in joining)
    entering: dict[uuid.UUID, list[uuid.UUID]] = {}
    for task in tasks:
        for run_id in task.verdict.run_ids:
            entering.setdefault(run_id, []).append(members[task.planned.row.email])
    for run_id, member_ids in sorted(entering.items()):
        source = EnrollmentSource.ADMIN if run_id == options.run_id else EnrollmentSource.COHORT
        results = do_enroll(actor=actor, run_id=run_id, member_ids=member_ids, source=source)
        refusal = next((result.refusal for result in results if result.refusal is not None), None)
        if refusal is not None:  # all was compared under the locks: this is a fault, and nothing stays
            raise refusal


def _do_invite(
    actor: Actor,
    organization: OrganizationRef,
    options: RosterOptions,
    added: Sequence[Task],
    admitted: dict[str, Admitted],
) -> None:
    """Invite the new people and queue their mails. Known ones are not written to again."""
    invitees = [
        Invitee(
            email=row.email,
            role=_role_of(row, options),
            membership_id=admitted[row.email].membership_id,
            name=f"{row.first_name} {row.last_name}".strip(),
            language=row.language,
        )
        for row in (task.planned.row for task in added)
    ]
    if invitees:
        made = do_make_invitations(organization_id=organization.id, invitees=invitees, invited_by=actor)
        do_mail_invitations(organization, made, invitees)


def _role_of(row: RosterRow, options: RosterOptions) -> Role:
    return Role(row.role) if row.role else options.default_role


def _existing(task: Task) -> uuid.UUID:
    member_id = task.verdict.member_id
    if member_id is None:
        raise LookupError("a change is about a member")
    return member_id
