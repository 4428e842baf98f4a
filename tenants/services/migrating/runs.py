"""The row of a run: who holds it, its signs of life, its end.

One run at a time is kept by a unique constraint. A run whose process died is known by its old heartbeat and
taken over: `holder` changes, and a process that only slept finds that at its next heartbeat and stops. Even
between the two nothing happens twice, since each tenant's message checks the registry's row itself.
"""

import getpass
import os
import socket
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction

from shared_apps.core import clock
from shared_apps.core.ids import new_id
from shared_apps.core.transactions import entry_transaction, require_transaction
from tenants.enums import RunDirection, RunState
from tenants.models import MigrationRun
from tenants.services.migrating.chart import Stand, chart
from tenants.services.migrating.errors import NoRun, RunGoingOn, RunLost, RunOfOtherCode
from tenants.services.migrating.options import RunOptions

LOST_AFTER = timedelta(seconds=15)
ACTIVE = (RunState.RUNNING, RunState.STOPPING)


def begin_run(
    options: RunOptions, target: Stand, *, started_by: str, lost_after: timedelta = LOST_AFTER
) -> MigrationRun:
    """Begin a run, or take over the one whose process is lost.

    A lost run of the same code goes on with the options it had; one of other code is closed and a new run
    begins.

    Raises:
        RunGoingOn: another process is at work.
    """
    with entry_transaction():
        active = MigrationRun.objects.select_for_update().filter(state__in=ACTIVE).first()
        if active is not None:
            _refuse_alive(active, lost_after)
            if _is_same(active, options, target):
                return _hold(active, started_by)
            _close(active, RunState.STOPPED, "Its process was lost, and another run was started.")
        return _insert(options, target, started_by)


def resume_run(target: Stand, *, started_by: str, lost_after: timedelta = LOST_AFTER) -> MigrationRun:
    """Go on with the last run, which was stopped, failed or lost its process.

    Raises:
        NoRun: the last run was finished.
        RunGoingOn: its process lives.
        RunOfOtherCode: its tenants were on their way to another level than this code's.
    """
    with entry_transaction():
        return _hold(_resumable(target, lost_after), started_by)


def do_check_resumable() -> MigrationRun:
    """Return the last run, locked, if this code could go on with it; raises what `resume_run` raises."""
    require_transaction()
    return _resumable(chart().target, LOST_AFTER)


def stop_run() -> MigrationRun:
    """Ask the run at work to stop; it finishes the tenants in hand. One whose process is lost is closed.

    Raises:
        NoRun: none is at work.
    """
    with entry_transaction():
        return do_stop_run()


def do_stop_run() -> MigrationRun:
    """As `stop_run`, in the caller's transaction."""
    require_transaction()
    run = MigrationRun.objects.select_for_update().filter(state__in=ACTIVE).first()
    if run is None:
        raise NoRun
    if clock.now() - run.heartbeat_at > LOST_AFTER:
        _close(run, RunState.STOPPED, "Its process was lost.")
    else:
        run.state = RunState.STOPPING
        run.save_fields("state")
    return run


def _resumable(target: Stand, lost_after: timedelta) -> MigrationRun:
    run = MigrationRun.objects.select_for_update().order_by("-id").first()
    if run is None or run.state == RunState.SUCCEEDED:
        raise NoRun
    if run.state in ACTIVE:
        _refuse_alive(run, lost_after)
    if run.direction == RunDirection.FORWARD and run.target_version != target.version:
        raise RunOfOtherCode(run_version=run.target_version, version=target.version)
    return run


def beat(run: MigrationRun, **progress: Any) -> bool:
    """Give a sign of life and write progress; True when the run was asked to stop.

    Raises:
        RunLost: another process has it.
    """
    now = clock.now()
    mine = MigrationRun.objects.filter(id=run.id, holder=run.holder, state__in=ACTIVE)
    if not mine.update(heartbeat_at=now, updated_at=now, **progress):
        raise RunLost(str(run))
    return MigrationRun.objects.filter(id=run.id, state=RunState.STOPPING).exists()


def is_run_open() -> bool:
    """Tell whether a run has not ended: one is at work, or lost its process after its last tenant."""
    return MigrationRun.objects.filter(state__in=ACTIVE).exists()


def end_run(run: MigrationRun, state: RunState, note: str) -> None:
    """Write how a run ended.

    Raises:
        RunLost: another process has it.
    """
    with entry_transaction():
        found = MigrationRun.objects.select_for_update().filter(id=run.id, holder=run.holder).first()
        if found is None:
            raise RunLost(str(run))
        _close(found, state, note)
    run.refresh_from_db()


def this_process() -> str:
    """Return who runs this, for people: account, machine, process."""
    return f"{getpass.getuser()}@{socket.gethostname()} ({os.getpid()})"[:200]


def _insert(options: RunOptions, target: Stand, started_by: str) -> MigrationRun:
    now = clock.now()
    is_back = options.to_level is not None
    try:
        with transaction.atomic():
            return MigrationRun.objects.create(
                direction=RunDirection.BACK if is_back else RunDirection.FORWARD,
                target_level=target.level,
                target_version=target.version,
                started_by=started_by,
                started_at=now,
                heartbeat_at=now,
                holder=new_id(),
                workers=options.workers,
                most_failures_percent=options.most_failures_percent,
                options=options.document(),
            )
    except IntegrityError as error:  # two begin at once: the constraint lets one through
        raise RunGoingOn from error


def _hold(run: MigrationRun, started_by: str) -> MigrationRun:
    run.state = RunState.RUNNING
    run.holder = new_id()
    run.started_by = started_by
    run.heartbeat_at = clock.now()
    run.finished_at = None
    run.note = ""
    try:
        with transaction.atomic():
            run.save_fields("state", "holder", "started_by", "heartbeat_at", "finished_at", "note")
    except IntegrityError as error:
        raise RunGoingOn from error
    return run


def _close(run: MigrationRun, state: RunState, note: str) -> None:
    run.state = state
    run.note = note
    run.finished_at = run.heartbeat_at = clock.now()
    run.save_fields("state", "note", "finished_at", "heartbeat_at")


def _refuse_alive(run: MigrationRun, lost_after: timedelta) -> None:
    silent = clock.now() - run.heartbeat_at
    if silent < lost_after:
        raise RunGoingOn(
            run=str(run.id), by=run.started_by, heartbeat_seconds=round(silent.total_seconds(), 1)
        )


def _is_same(run: MigrationRun, options: RunOptions, target: Stand) -> bool:
    return run.target_version == target.version and RunOptions.read(run.options).to_level == options.to_level
