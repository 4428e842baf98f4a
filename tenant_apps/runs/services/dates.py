"""Set the dates that stand, in one run, before those of the version."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from shared_apps.audit.services import do_record
from shared_apps.core.actors import Actor
from shared_apps.core.errors import NotFound
from shared_apps.core.policies import require
from shared_apps.core.transactions import entry_transaction
from shared_apps.core.walltime import NotAWallTime
from tenant_apps.runs.enums import RunState
from tenant_apps.runs.errors import DueBeforeOpening, RunStateRefused, UnitGivenTwice, UnknownUnit
from tenant_apps.runs.locks import run_to_change
from tenant_apps.runs.models import CourseRun, RunDate
from tenant_apps.runs.policies import DATES, visible_runs
from tenant_apps.runs.selectors.dates import instant_of, units_of
from tenants.context import current_organization


@dataclass(frozen=True, slots=True)
class UnitDate:
    """When a module or lesson opens and is due in a run, as wall time of its zone; empty: the version's."""

    lineage: uuid.UUID
    opens_local: str = ""
    due_local: str = ""


def set_run_dates(*, actor: Actor, run_id: uuid.UUID, dates: Sequence[UnitDate]) -> None:
    """Make these the run's dates; units that are left out go by the version again. Repeating changes nothing.

    Raises:
        NotFound: no such run, or none the actor sees.
        Forbidden: the actor neither manages nor teaches the run.
        RunStateRefused: the run is cancelled.
        UnknownUnit: the run's version has no such module or lesson.
        NotAWallTime, DueBeforeOpening, UnitGivenTwice: the dates contradict themselves.
    """
    with entry_transaction():
        run = run_to_change(run_id).filter(pk__in=visible_runs(actor).values("pk")).first()
        if run is None:
            raise NotFound
        require(actor, DATES, run_id)
        if run.state == RunState.CANCELLED:
            raise RunStateRefused(state=run.state)
        _check(run, dates)
        wanted = {each.lineage: each for each in dates if each.opens_local or each.due_local}
        before = {row.lineage: row for row in RunDate.objects.filter(run_id=run_id)}
        if {key: (row.opens_local, row.due_local) for key, row in before.items()} == {
            key: (each.opens_local, each.due_local) for key, each in wanted.items()
        }:
            return
        RunDate.objects.filter(run_id=run_id).exclude(lineage__in=list(wanted)).delete()
        RunDate.objects.bulk_create(
            [
                RunDate(
                    run_id=run_id,
                    lineage=each.lineage,
                    opens_local=each.opens_local,
                    due_local=each.due_local,
                )
                for each in wanted.values()
            ],
            update_conflicts=True,
            unique_fields=["run", "lineage"],
            update_fields=["opens_local", "due_local", "updated_at"],
        )
        do_record(
            actor=actor,
            action=DATES.name,
            organization_id=current_organization().id,
            target=run,
            changes={
                "before": {str(key): [row.opens_local, row.due_local] for key, row in before.items()},
                "after": {str(key): [each.opens_local, each.due_local] for key, each in wanted.items()},
            },
        )


def _check(run: CourseRun, dates: Sequence[UnitDate]) -> None:
    units, seen = units_of(run.version_id), set()
    for number, each in enumerate(dates):
        field = f"dates[{number}]"
        if each.lineage in seen:
            raise UnitGivenTwice(field=field, lineage=str(each.lineage))
        if each.lineage not in units:
            raise UnknownUnit(field=field, lineage=str(each.lineage))
        seen.add(each.lineage)
        try:
            opens, due = instant_of(each.opens_local, run.timezone), instant_of(each.due_local, run.timezone)
        except NotAWallTime as error:
            raise NotAWallTime(field=field, **error.facts) from error
        if opens is not None and due is not None and due <= opens:
            raise DueBeforeOpening(field=field, lineage=str(each.lineage))
