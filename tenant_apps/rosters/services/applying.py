"""Apply a plan: started by a person, done by a job in batches that each are whole or not there.

What is done is in the rows' results, written with each batch. So a job that lost its worker goes on with the
rows that have none, and running it twice changes nothing.
"""

import functools
import uuid
from collections.abc import Callable
from typing import Any

import structlog
from django.db import IntegrityError, OperationalError
from django.db.models import Count
from psycopg.errors import DeadlockDetected

from billing.selectors.seats import seats_free
from shared_apps.audit.services import do_record
from shared_apps.core import clock
from shared_apps.core.actors import Actor, ActorKind
from shared_apps.core.errors import NotFound
from shared_apps.core.policies import may, require
from shared_apps.core.transactions import entry_transaction
from shared_apps.jobs.models import Job
from shared_apps.jobs.selectors.jobs import get_job
from shared_apps.jobs.services.running import do_create_job, report_progress, run_job
from tenant_apps.people.policies import MANAGE_ADMINS
from tenant_apps.people.services.bulk import do_link_managers
from tenant_apps.rosters.enums import ImportState, RowAction
from tenant_apps.rosters.errors import NothingToApply, PlanStale, RowsRefused, SeatsTooFew
from tenant_apps.rosters.locks import lock_applying, lock_roster
from tenant_apps.rosters.models import RosterImport, RosterRow
from tenant_apps.rosters.policies import IMPORT
from tenant_apps.rosters.selectors.known import read_known
from tenant_apps.rosters.selectors.rosters import get_roster
from tenant_apps.rosters.services.batches import do_apply_batch
from tenant_apps.rosters.services.comparing import Comparer, is_as_planned
from tenant_apps.rosters.services.stored_rows import (
    count_pending,
    read_lines,
    read_pending,
    settle_untouched,
)
from tenant_apps.rosters.services.verdicts import RosterOptions
from tenants.context import current_organization
from tenants.scope import OrganizationRef

log = structlog.get_logger(__name__)

JOB_KIND = "rosters.apply"
ROWS_PER_BATCH = 500
_TRIES_PER_BATCH = 5


def start_applying(*, actor: Actor, roster_id: uuid.UUID, partial: bool) -> Job:
    """Check the plan against the organization as it is now, and start the job that applies it.

    Asked again, whoever asks gets the job that was started first.

    Args:
        partial: apply the good rows although others are refused or no longer fit.

    Raises:
        NotFound: no such import.
        RowsRefused: rows are refused and `partial` is false.
        PlanStale: rows would now do something else than was shown, and `partial` is false.
        SeatsTooFew: the list needs more seats than are free.
        NothingToApply: the plan adds and changes nobody.
    """
    with entry_transaction():
        require(actor, IMPORT)
        organization = current_organization()
        get_roster(actor, roster_id)
        roster = lock_roster(roster_id)
        if roster is None:
            raise NotFound
        if roster.job_id is not None:
            return get_job(actor, roster.job_id)
        may_make_admins = may(actor, MANAGE_ADMINS)
        _check(roster, organization, partial=partial, may_make_admins=may_make_admins)
        job = do_create_job(
            JOB_KIND,
            organization_id=organization.id,
            arguments={
                "roster_id": str(roster.id),
                "member_id": str(actor.membership_id),
                "label": actor.label,
                "may_make_admins": may_make_admins,
            },
            created_by=actor,
            total=count_pending(roster.id),
        )
        roster.job_id, roster.state = job.id, ImportState.APPLYING
        roster.save_fields("job_id", "state")
        do_record(
            actor=actor,
            action="rosters.start_applying",
            organization_id=organization.id,
            target=roster,
            changes={"partial": partial, "job": str(job.id)},
        )
    return job


def run_applying(*, job_id: str) -> None:
    """Do the job, as far as it is not done: called by the task, in the organization."""
    organization = current_organization()
    run_job(job_id, organization_id=organization.id, work=lambda job: _apply(job, organization))


def _check(
    roster: RosterImport, organization: OrganizationRef, *, partial: bool, may_make_admins: bool
) -> None:
    """Compare the whole plan again, which costs about a second for ten thousand rows."""
    if roster.counts["refuse"] and not partial:
        raise RowsRefused(refused=roster.counts["refuse"])
    planned = read_pending(roster.id)
    if not planned:
        raise NothingToApply
    options = RosterOptions.from_json(roster.options)
    comparer = Comparer(
        read_known(organization_id=organization.id, run_id=options.run_id),
        options,
        uploader_id=roster.uploaded_by_id,
        may_make_admins=may_make_admins,
    )
    stale = seats_needed = 0
    for row in planned:
        verdict = comparer.compare(row.row)
        is_stale = verdict.action is RowAction.REFUSE or not is_as_planned(
            row.action, row.changes, verdict.changes
        )
        stale += is_stale
        seats_needed += verdict.needs_seat and not is_stale
    if stale and not partial:
        raise PlanStale(stale=stale)
    free = seats_free(organization_id=organization.id)
    if seats_needed > free:
        raise SeatsTooFew(seats_needed=seats_needed, seats_free=free)


def _apply(job: Job, organization: OrganizationRef) -> dict[str, Any]:
    roster_id = uuid.UUID(job.arguments["roster_id"])
    # The person decided; the job does it in the person's name, with rights that don't depend on the hour.
    actor = Actor(
        kind=ActorKind.SYSTEM,
        user_id=job.created_by_id,
        membership_id=uuid.UUID(job.arguments["member_id"]),
        organization_id=organization.id,
        label=job.arguments["label"],
    )
    last: int | None = 0
    while last is not None:
        last = _retrying(functools.partial(_apply_batch, job, actor, organization, roster_id, last))
    _link_managers(job, roster_id)
    return _finish(actor, organization, roster_id)


def _apply_batch(
    job: Job, actor: Actor, organization: OrganizationRef, roster_id: uuid.UUID, after: int
) -> int | None:
    """Apply the next rows in one transaction; return the number of the last one, None when none is left."""
    with entry_transaction():
        lock_applying(organization.id)
        rows = read_pending(roster_id, after=after, limit=ROWS_PER_BATCH)
        if not rows:
            return None
        roster = RosterImport.objects.get(pk=roster_id)
        do_apply_batch(
            actor=actor,
            roster=roster,
            organization=organization,
            rows=rows,
            may_make_admins=bool(job.arguments["may_make_admins"]),
        )
        report_progress(job, done=job.total - count_pending(roster_id))
        return rows[-1].row.row


def _retrying(batch: Callable[[], int | None]) -> int | None:
    """Run a batch again when somebody else's commit came between its look and its write."""
    for attempt in range(1, _TRIES_PER_BATCH + 1):
        try:
            return batch()
        except IntegrityError:
            if attempt == _TRIES_PER_BATCH:
                raise
            log.info("roster_batch_again", attempt=attempt)
        except OperationalError as error:
            if attempt == _TRIES_PER_BATCH or not isinstance(error.__cause__, DeadlockDetected):
                raise
            log.info("roster_batch_again", attempt=attempt, deadlock=True)
    raise AssertionError("the loop returns or raises")


def _link_managers(job: Job, roster_id: uuid.UUID) -> None:
    """Link people to their managers once everybody is there; repeating it writes nothing."""
    last = 0
    while True:
        with entry_transaction():
            lines = read_lines(roster_id, after=last, limit=ROWS_PER_BATCH * 4)
            if not lines:
                return
            do_link_managers((member_id, email) for _, member_id, email in lines)
            report_progress(job, done=job.done)
        last = lines[-1][0]


def _finish(actor: Actor, organization: OrganizationRef, roster_id: uuid.UUID) -> dict[str, Any]:
    """Settle the rows that were never to be written, and count what became of all."""
    with entry_transaction():
        settle_untouched(roster_id)
        counts = _count_results(roster_id)
        roster = RosterImport.objects.get(pk=roster_id)
        roster.state, roster.applied_at = ImportState.APPLIED, clock.now()
        roster.save_fields("state", "applied_at")
        do_record(
            actor=actor,
            action="rosters.applied",
            organization_id=organization.id,
            target=roster,
            changes={"results": counts},
        )
    return {"roster_id": str(roster_id), **counts}


def _count_results(roster_id: uuid.UUID) -> dict[str, Any]:
    """Return rows by result, and refused ones by code where applying, not the plan, refused them."""
    rows = RosterRow.objects.filter(roster_id=roster_id).order_by()
    results = dict(rows.values_list("result").annotate(Count("number")))
    late = dict(rows.exclude(result_code="").values_list("result_code").annotate(Count("number")))
    return {"done": 0, "unchanged": 0, "refused": 0, **results, "refused_while_applying": late}
