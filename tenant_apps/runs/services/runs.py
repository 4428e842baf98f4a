"""Make and change runs."""

import uuid
from datetime import datetime
from typing import Any, TypedDict, Unpack

from billing.money import check_price
from shared_apps.audit.services import do_record
from shared_apps.core.actors import Actor
from shared_apps.core.errors import NotFound
from shared_apps.core.policies import require
from shared_apps.core.transactions import entry_transaction
from shared_apps.core.walltime import NoSuchZone, known_zone
from tenant_apps.runs.content.times import check_windows, read_moments
from tenant_apps.runs.enums import RUN_MOVES, RunState
from tenant_apps.runs.errors import (
    CapacityBelowTaken,
    PriceIncomplete,
    RunStateRefused,
    UnknownTimezone,
    VersionNotUsable,
)
from tenant_apps.runs.locks import run_to_change
from tenant_apps.runs.models import CourseRun
from tenant_apps.runs.policies import CREATE, EDIT, visible_runs
from tenant_apps.runs.selectors.runs import find_published_version
from tenant_apps.runs.services.waiting import do_clear_list, do_promote, taken_in
from tenants.context import current_organization


class RunFacts(TypedDict, total=False):
    """What a run says of itself; a key left out stays as it is. Moments come as an instant (`..._at`) or as
    wall time of the run's zone (`..._local`, "2026-03-29T09:00"); prices in minor units of the currency.
    """

    title: str
    timezone: str
    starts_at: datetime | None
    starts_local: str
    ends_at: datetime | None
    ends_local: str
    enrollment_opens_at: datetime | None
    enrollment_opens_local: str
    enrollment_closes_at: datetime | None
    enrollment_closes_local: str
    pacing: str
    capacity: int | None
    has_waiting_list: bool
    is_open_to_members: bool
    price_minor: int | None
    currency: str


def create_run(
    *, actor: Actor, course_id: uuid.UUID, version_id: uuid.UUID, **facts: Unpack[RunFacts]
) -> uuid.UUID:
    """Open a run of a published version and return its id. The version never changes afterwards.

    Args:
        actor: who acts.
        course_id: the course.
        version_id: one of its published versions.
        facts: see `RunFacts`; instants are aware, the timezone is an IANA name.

    Raises:
        Forbidden: the actor may not make runs.
        VersionNotUsable: a draft, another course's version, or an archived or deleted course.
        Others: as `update_run`.
    """
    with entry_transaction():
        require(actor, CREATE)
        if not find_published_version(course_id=course_id, version_id=version_id):
            raise VersionNotUsable(field="version_id")
        run = CourseRun(course_id=course_id, version_id=version_id)
        _apply(run, facts)
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
    """Change what a run that is not cancelled says of itself. More places, or no limit any more, let in who
    waits for them; a waiting list that is switched off takes nobody else, and whoever is on it stays.

    Raises:
        NotFound: no such run, or none the actor sees.
        Forbidden: the actor may not change runs.
        RunStateRefused: the run is cancelled.
        RunEndsBeforeStart, EnrollmentClosesBeforeOpening, UnknownTimezone, NotAWallTime: wrong window.
        PriceIncomplete, CurrencyUnknown, AmountNotChargeable: wrong price.
        CapacityBelowTaken: more people are in the run than the capacity allows.
    """
    with entry_transaction():
        run = _locked_run(actor, run_id)
        if run.state == RunState.CANCELLED:
            raise RunStateRefused(state=run.state)
        before = _as_dict(run)
        _apply(run, facts)
        changes = {
            name: [_plain(before[name]), _plain(after)]
            for name, after in _as_dict(run).items()
            if before[name] != after
        }
        if not changes:
            return
        if "capacity" in changes and run.capacity is not None:
            taken = taken_in(run_id)
            if taken > run.capacity:
                raise CapacityBelowTaken(field="capacity", taken=taken)
        run.save_fields(*changes)
        _audit(actor, EDIT.name, run, changes)
        if {"capacity", "ends_at"} & set(changes):
            do_promote(run_id)


def close_run(*, actor: Actor, run_id: uuid.UUID) -> None:
    """Let nobody else in; who is in goes on learning. Closing a closed run changes nothing.

    Raises:
        NotFound, Forbidden: as for `update_run`.
        RunStateRefused: the run is cancelled.
    """
    _move(actor, run_id, RunState.CLOSED)


def reopen_run(*, actor: Actor, run_id: uuid.UUID) -> None:
    """Let people in again, those who wait first. Reopening an open run changes nothing.

    Raises:
        NotFound, Forbidden: as for `update_run`.
        RunStateRefused: the run is cancelled.
    """
    _move(actor, run_id, RunState.OPEN)


def cancel_run(*, actor: Actor, run_id: uuid.UUID) -> None:
    """End the run for good, for everybody in it and on its list. Cancelling a cancelled run changes nothing.

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
        changes: dict[str, Any] = {"state": [before, wanted]}
        if wanted is RunState.CANCELLED and (gone := do_clear_list(run_id)):
            changes["taken_off_the_list"] = gone
        _audit(actor, EDIT.name, run, changes)
        if wanted is RunState.OPEN:
            do_promote(run_id)


def _locked_run(actor: Actor, run_id: uuid.UUID) -> CourseRun:
    run = run_to_change(run_id).filter(pk__in=visible_runs(actor).values("pk")).first()
    if run is None:
        raise NotFound
    require(actor, EDIT, run_id)
    return run


def _apply(run: CourseRun, facts: RunFacts) -> None:
    """Set the facts on the run and refuse what does not fit together."""
    given: dict[str, Any] = dict(facts)
    run.timezone = given.pop("timezone", run.timezone)
    try:
        known_zone(run.timezone)
    except NoSuchZone as error:
        raise UnknownTimezone(field="timezone", timezone=run.timezone) from error
    moments = read_moments(_as_dict(run), given, run.timezone)
    check_windows(moments)
    for name, value in (given | moments).items():
        setattr(run, name, value)
    if (run.price_minor is None) != (not run.currency):
        raise PriceIncomplete(field="currency" if run.price_minor is not None else "price_minor")
    if run.price_minor is not None:
        check_price(run.currency, run.price_minor, least_seats=1)


def _as_dict(run: CourseRun) -> dict[str, Any]:
    return {name: getattr(run, name) for name in RunFacts.__annotations__}


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def _audit(actor: Actor, action: str, run: CourseRun, changes: dict[str, Any]) -> None:
    do_record(
        actor=actor, action=action, organization_id=current_organization().id, target=run, changes=changes
    )
