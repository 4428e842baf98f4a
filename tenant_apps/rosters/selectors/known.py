"""What the organization knows, read once, for comparing a list with it."""

import uuid
from collections.abc import Collection
from dataclasses import dataclass

from billing.selectors.bulk_seats import read_seat_holders
from tenant_apps.cohorts.selectors.places import CohortEntry, read_cohorts, read_places
from tenant_apps.people.selectors.directory import DirectoryEntry, read_directory
from tenant_apps.rosters.parsing.values import fold_name, normalize_known_email
from tenant_apps.runs.selectors.enrolled import RunRoom, read_enrolled, read_room


@dataclass(frozen=True, slots=True)
class Known:
    """The organization's state, in the keys lists are compared by.

    Attributes:
        by_email: normalised address to member, removed members too.
        by_employee_id: folded employee id to member.
        seat_holders: membership ids.
        cohorts: folded name to cohort.
        places: (cohort id, member id).
        enrolled: (run id, member id).
        room: by run id.
    """

    by_email: dict[str, DirectoryEntry]
    by_employee_id: dict[str, DirectoryEntry]
    seat_holders: set[uuid.UUID]
    cohorts: dict[str, CohortEntry]
    places: set[tuple[uuid.UUID, uuid.UUID]]
    enrolled: set[tuple[uuid.UUID, uuid.UUID]]
    room: dict[uuid.UUID, RunRoom]


def read_known(
    *,
    organization_id: uuid.UUID,
    run_id: uuid.UUID | None,
    emails: Collection[str] | None = None,
    employee_ids: Collection[str] | None = None,
) -> Known:
    """Read the state in six statements, for everybody or for the people of a few rows.

    Args:
        run_id: the run of the import's options, whose enrollments matter besides those of cohorts' runs.
        emails, employee_ids: of the rows to be compared; None reads everybody.
    """
    people = read_directory(emails=emails, employee_ids=employee_ids)
    member_ids = None if emails is None else [person.member_id for person in people]
    cohorts = read_cohorts()
    run_ids = {cohort.run_id for cohort in cohorts if cohort.run_id} | ({run_id} if run_id else set())
    return Known(
        by_email={normalize_known_email(person.email): person for person in people},
        by_employee_id={fold_name(person.employee_id): person for person in people if person.employee_id},
        seat_holders=read_seat_holders(organization_id=organization_id, membership_ids=member_ids),
        cohorts={fold_name(cohort.name): cohort for cohort in cohorts},
        places=read_places(cohort_ids=[cohort.cohort_id for cohort in cohorts], member_ids=member_ids),
        enrolled=read_enrolled(run_ids=run_ids, member_ids=member_ids),
        room=read_room(run_ids),
    )
