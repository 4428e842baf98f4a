"""Compare one row with the organization: add, change, skip or refuse. Pure: writes nothing, asks nobody.

The plan and the job use this same comparison, so what is applied is what was shown, or the row is left out.

An empty cell leaves the member's value as it is: an export that lacks something must not erase it.
"""

import uuid
from collections.abc import Callable
from typing import Any

from shared_apps.accounts.enums import MembershipStatus
from shared_apps.core.actors import ADMINS
from tenant_apps.cohorts.selectors.places import CohortEntry
from tenant_apps.people.selectors.directory import DirectoryEntry
from tenant_apps.rosters.enums import RowAction
from tenant_apps.rosters.parsing import RosterRow
from tenant_apps.rosters.parsing.values import fold_name, normalize_known_email
from tenant_apps.rosters.selectors.known import Known
from tenant_apps.rosters.services.verdicts import Refusal, RosterOptions, Verdict

# Column of the file to field of the member.
MEMBER_FIELDS = {
    "employee_id": "employee_id",
    "first_name": "first_name",
    "last_name": "last_name",
    "job_title": "job_title",
    "department": "department",
    "location": "location",
    "timezone": "timezone",
    "language": "language",
    "start_date": "starts_on",
}


class Comparer:
    """Compares rows in file order, counting the places in runs that earlier rows of the list take."""

    def __init__(
        self,
        known: Known,
        options: RosterOptions,
        *,
        uploader_id: uuid.UUID | None,
        may_make_admins: bool,
    ) -> None:
        self._known = known
        self._options = options
        self._uploader_id = uploader_id
        self._may_make_admins = may_make_admins
        self._room = {run_id: room.free for run_id, room in known.room.items()}

    def compare(self, row: RosterRow) -> Verdict:
        """Return what the row means for the organization as it is known."""
        person = self._known.by_email.get(row.email)
        refusal = self._refuse_identity(row, person) or self._refuse_standing(row, person)
        if refusal is None:
            run_ids = self._missing_runs(row, person)
            refusal = self._refuse_run(row, run_ids)
        if refusal is not None:
            return Verdict(RowAction.REFUSE, refusal=refusal, member_id=person.member_id if person else None)
        for run_id in run_ids:
            self._take_place(run_id)
        if person is None:
            return Verdict(RowAction.ADD, needs_seat=True, gets_place=bool(row.cohort), run_ids=run_ids)
        return self._compare_member(row, person, run_ids)

    def release(self, verdict: Verdict) -> None:
        """Give back the places in runs that a row took, when it is not to be written after all."""
        for run_id in verdict.run_ids:
            free = self._room[run_id]
            if free is not None:
                self._room[run_id] = free + 1

    # --- Refusals ------------------------------------------------------------------------------

    def _refuse_identity(self, row: RosterRow, person: DirectoryEntry | None) -> Refusal | None:
        owner = self._known.by_employee_id.get(fold_name(row.employee_id)) if row.employee_id else None
        if owner is None or (person is not None and owner.member_id == person.member_id):
            return None
        if person is None:
            return Refusal(
                "email",
                "email_changed",
                row.email,
                "The member with this employee id has another address, by which they sign in. Write that "
                "address here; or empty the employee id of the member and remove them, then upload again: "
                "the new address joins as a new member, without the history of the old one.",
            )
        return Refusal(
            "employee_id",
            "employee_id_taken",
            row.employee_id,
            "Another member has this employee id already.",
        )

    def _refuse_standing(self, row: RosterRow, person: DirectoryEntry | None) -> Refusal | None:
        if person is None:
            return self._refuse_rank(row, row.role or self._options.default_role)
        if person.status == MembershipStatus.REMOVED:
            return Refusal(
                "email",
                "member_removed",
                row.email,
                "This person was removed from the organization; invite them again (POST /invitations), then "
                "upload again.",
            )
        is_protected = person.role in ADMINS or person.member_id == self._uploader_id
        if is_protected and row.role and row.role != person.role:
            return Refusal(
                "role",
                "role_protected",
                row.role,
                f"The person's role is {person.role}; a list does not change it. Leave the cell empty, or "
                "change the role in the list of members.",
            )
        return self._refuse_rank(row, row.role) if row.role != person.role else None

    def _refuse_rank(self, row: RosterRow, role: str) -> Refusal | None:
        """Refuse to make an administrator in the name of somebody who could not make one by hand."""
        if role not in ADMINS or self._may_make_admins:
            return None
        return Refusal(
            "role",
            "role_not_allowed",
            row.role,
            "Only an owner makes administrators; ask one to upload this row.",
        )

    def _refuse_run(self, row: RosterRow, run_ids: tuple[uuid.UUID, ...]) -> Refusal | None:
        for run_id in run_ids:
            column = "" if run_id == self._options.run_id else "cohort"
            room = self._known.room.get(run_id)
            if room is None or not room.is_open:
                return Refusal(
                    column, "run_closed", row.cohort, "The run takes no more people; choose another one."
                )
            free = self._room[run_id]
            if free is not None and free < 1:
                return Refusal(
                    column, "run_full", row.cohort, "The run has no free place left; raise its capacity."
                )
        return None

    # --- What is missing -----------------------------------------------------------------------

    def _cohort(self, row: RosterRow) -> CohortEntry | None:
        return self._known.cohorts.get(fold_name(row.cohort)) if row.cohort else None

    def _missing_runs(self, row: RosterRow, person: DirectoryEntry | None) -> tuple[uuid.UUID, ...]:
        if person is not None and person.status == MembershipStatus.SUSPENDED:
            return ()
        cohort = self._cohort(row)
        wanted = {cohort.run_id if cohort else None, self._options.run_id} - {None}
        return tuple(
            run_id
            for run_id in sorted(run_id for run_id in wanted if run_id is not None)
            if person is None or (run_id, person.member_id) not in self._known.enrolled
        )

    def _take_place(self, run_id: uuid.UUID) -> None:
        free = self._room[run_id]
        if free is not None:
            self._room[run_id] = free - 1

    def _compare_member(
        self, row: RosterRow, person: DirectoryEntry, run_ids: tuple[uuid.UUID, ...]
    ) -> Verdict:
        changes: dict[str, list[Any]] = {}
        for column, field in MEMBER_FIELDS.items():
            new, old = getattr(row, column), getattr(person, field)
            if new and new != old:
                changes[column] = [_plain(old), _plain(new)]
        if row.role and row.role != person.role:
            changes["role"] = [str(person.role), row.role]
        if row.manager_email and row.manager_email != normalize_known_email(person.manager_email):
            changes["manager_email"] = [person.manager_email, row.manager_email]
        # Suspension is somebody's decision: a list keeps the facts right, and gives the person nothing.
        is_suspended = person.status == MembershipStatus.SUSPENDED
        needs_seat = not is_suspended and person.member_id not in self._known.seat_holders
        if needs_seat:
            changes["seat"] = [False, True]
        gets_place = bool(row.cohort) and not is_suspended and not self._has_place(row, person)
        if gets_place:
            changes["cohort"] = ["", row.cohort]
        if run_ids:
            changes["runs"] = [[], [str(run_id) for run_id in run_ids]]
        return Verdict(
            RowAction.CHANGE if changes else RowAction.SKIP,
            changes=changes,
            member_id=person.member_id,
            needs_seat=needs_seat,
            gets_place=gets_place,
            run_ids=run_ids,
        )

    def _has_place(self, row: RosterRow, person: DirectoryEntry) -> bool:
        cohort = self._cohort(row)
        return cohort is not None and (cohort.cohort_id, person.member_id) in self._known.places


def is_as_planned(action: RowAction, planned: dict[str, list[Any]], now: dict[str, list[Any]]) -> bool:
    """Tell whether all that a row would change now was shown in its plan.

    For a planned change the same columns from and to the same values, or fewer. Somebody who was to be added
    and is there by now (another list was faster) gets what is still missing; nothing of theirs is replaced.
    """
    if action is RowAction.ADD:
        return not any(old for old, _ in now.values())
    return all(planned.get(column) == values for column, values in now.items())


def spelled_as_known(known: Known) -> Callable[[str], str]:
    """Return a function that gives a cohort's name as the organization spells it, if it has the cohort."""

    def spell(name: str) -> str:
        cohort = known.cohorts.get(fold_name(name)) if name else None
        return cohort.name if cohort else name

    return spell


def _plain(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else value
