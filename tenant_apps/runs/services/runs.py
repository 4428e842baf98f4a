"""Make and change runs."""

import uuid
from datetime import datetime
from typing import Any, TypedDict, Unpack
from zoneinfo import available_timezones

from shared_apps.audit.services import do_record
from shared_apps.core.actors import Actor
from shared_apps.core.errors import NotFound
from shared_apps.core.policies import require
from shared_apps.core.transactions import entry_transaction
from tenant_apps.runs.enums import OCCUPYING, RUN_MOVES, RunState
from tenant_apps.runs.errors import (
    CapacityBelowTaken,
    RunEndsBeforeStart,
    RunStateRefused,
    UnknownTimezone,
    VersionNotUsable,
)
from tenant_apps.runs.locks import run_to_change
from tenant_apps.runs.models import CourseRun, Enrollment
from tenant_apps.runs.policies import CREATE, EDIT, visible_runs
from tenant_apps.runs.selectors.runs import find_published_version
from tenants.context import current_organization

_ZONES = frozenset(available_timezones())


class RunFacts(TypedDict, total=False):
    """What a run says of itself; a key left out stays as it is."""

    title: str
    starts_at: datetime | None
    ends_at: datetime | None
    timezone: str
    capacity: int | None


def create_run(
    *, actor: Actor, course_id: uuid.UUID, version_id: uuid.UUID, **facts: Unpack[RunFacts]
) -> uuid.UUID:
    """Open a run of a published version and return its id. The version never changes afterwards.

    Args:
        actor: who acts.
        course_id: the course.
        version_id: one of its published versions.
        facts: see `RunFacts`; times are aware, the timezone is an IANA name.

    Raises:
        Forbidden: the actor may not make runs.
        VersionNotUsable: a draft, another course's version, or an archived or deleted course.
        RunEndsBeforeStart, UnknownTimezone: wrong window.
    """
    with entry_transaction():
        require(actor, CREATE)
        if not find_published_version(course_id=course_id, version_id=version_id):
            raise VersionNotUsable(field="version_id")
        run = CourseRun(course_id=course_id, version_id=version_id, **facts)
        _check_window(run)
        run.save(force_insert=True)
        do_record(
            actor=actor,
            action=CREATE.name,
            organization_id=current_organization().id,
            target=run,
            changes={"course_id": str(course_id), "version_id": str(version_id), "title": run.title},
        )
    return run.id


def update_run(*, actor: Actor, run_id: uuid.UUID, **facts: Unpack[RunFacts]) -> None:
    """Change title, window, timezone or capacity of a run that is not cancelled.

    Raises:
        NotFound: no such run, or none the actor sees.
        Forbidden: the actor may not change runs.
        RunStateRefused: the run is cancelled.
        RunEndsBeforeStart, UnknownTimezone: wrong window.
        CapacityBelowTaken: more people are in the run than the capacity allows.
    """
    with entry_transaction():
        run = _locked_run(actor, run_id)
        if run.state == RunState.CANCELLED:
            raise RunStateRefused(state=run.state)
        changes = {
            name: [_plain(getattr(run, name)), _plain(value)]
            for name, value in facts.items()
            if getattr(run, name) != value
        }
        if not changes:
            return
        for name, value in facts.items():
            setattr(run, name, value)
        _check_window(run)
        if "capacity" in changes and run.capacity is not None:
            taken = Enrollment.objects.filter(run_id=run_id, state__in=OCCUPYING).count()
            if taken > run.capacity:
                raise CapacityBelowTaken(field="capacity", taken=taken)
        run.save_fields(*changes)
        _audit(actor, EDIT.name, run, changes)


def close_run(*, actor: Actor, run_id: uuid.UUID) -> None:
    """Let nobody else in; who is in goes on learning. Closing a closed run changes nothing.

    Raises:
        NotFound, Forbidden: as for `update_run`.
        RunStateRefused: the run is cancelled.
    """
    _move(actor, run_id, RunState.CLOSED)


def cancel_run(*, actor: Actor, run_id: uuid.UUID) -> None:
    """End the run for good, for everybody in it. Cancelling a cancelled run changes nothing.

    Raises:
        NotFound, Forbidden: as for `update_run`.
    """
    _move(actor, run_id, RunState.CANCELLED)


def _move(actor: Actor, run_id: uuid.UUID, wanted: RunState) -> None:
    with entry_transaction():
        run = _locked_run(actor, run_id)
        if run.state == wanted:
            return
        if wanted not in RUN_MOVES[RunState(run.state)]:
            raise RunStateRefused(state=run.state, wanted=wanted)
        before, run.state = run.state, wanted
        run.save_fields("state")
        _audit(actor, EDIT.name, run, {"state": [before, wanted]})


def _locked_run(actor: Actor, run_id: uuid.UUID) -> CourseRun:
    run = run_to_change(run_id).filter(pk__in=visible_runs(actor).values("pk")).first()
    if run is None:
        raise NotFound
    require(actor, EDIT, run_id)
    return run


def _check_window(run: CourseRun) -> None:
    if run.timezone not in _ZONES:
        raise UnknownTimezone(field="timezone", timezone=run.timezone)
    if run.starts_at is not None and run.ends_at is not None and run.ends_at <= run.starts_at:
        raise RunEndsBeforeStart(
            field="ends_at", starts_at=run.starts_at.isoformat(), ends_at=run.ends_at.isoformat()
        )


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def _audit(actor: Actor, action: str, run: CourseRun, changes: dict[str, Any]) -> None:
    do_record(
        actor=actor, action=action, organization_id=current_organization().id, target=run, changes=changes
    )
