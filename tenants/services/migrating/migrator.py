"""A run from its begin to its end."""

import itertools
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import structlog
from django.db import connection

from shared_apps.core.errors import DomainError
from tenants.ddl import migrations_level, migrations_version
from tenants.enums import RunDirection, RunState
from tenants.models import MigrationRun, TenantSchema
from tenants.selectors.hosts import announce_changed_hosts
from tenants.services.migrating.chart import Chart, Stand, chart, is_reversible
from tenants.services.migrating.crew import Crew, Tally
from tenants.services.migrating.errors import MigrationIrreversible, RunLost
from tenants.services.migrating.message import Context, Limits, Standing
from tenants.services.migrating.one_schema import SchemaMigrator
from tenants.services.migrating.options import RunOptions, is_plain, usual_options
from tenants.services.migrating.runs import LOST_AFTER, beat, begin_run, end_run, is_run_open, resume_run
from tenants.services.migrating.waves import Wave, check_slugs, is_anyone_behind, schemas_to_move, waves_of

log = structlog.get_logger(__name__)

LATECOMERS = "latecomers"
_MOST_WAVES = 100


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is, for whoever watches.

    Attributes:
        number, of: of the wave, from 1.
        wave_done, wave_failed, wave_size: tenants of the wave.
        seconds: since the run, or its resumption, began.
    """

    wave: str
    number: int
    of: int
    wave_size: int
    wave_done: int
    wave_failed: int
    seconds: float
    is_end_of_wave: bool


Report = Callable[[Progress], None]


def migrate_tenants(
    options: RunOptions, *, started_by: str, report: Report, lost_after: timedelta = LOST_AFTER
) -> MigrationRun | None:
    """Bring every schema that is behind to the code's level, or take schemas back (`options.to_level`).

    A run that lost its process is taken over and finished. Must be called in the shared schema.

    Returns:
        The run, ended; None when no schema needed one.

    Raises:
        RunGoingOn: another process is at work.
        OrganizationsUnknown: somebody named does not exist.
        MigrationUnknown, MigrationIrreversible: the level asked for cannot be reached.
        RunLost: this process was silent for too long and another took the run over.
        SessionNeeded: a step on the way cannot be taken behind a pooler in transaction mode; the run is
            stopped, and goes on from a process with a direct connection.
    """
    if is_plain(options) and not is_anyone_behind(migrations_level()) and not is_run_open():
        return None
    check_slugs(options)
    known = chart()
    target = _target(known, options)
    if not is_plain(options) and not schemas_to_move(options, target.level):
        return None
    run = begin_run(options, target, started_by=started_by, lost_after=lost_after)
    return _Run(run, known, report).carry_out()


def resume_migration(*, started_by: str, report: Report, lost_after: timedelta = LOST_AFTER) -> MigrationRun:
    """Go on with the last run, with the options it had; tenants that failed in it are left to a retry.

    Raises:
        NoRun, RunGoingOn, RunOfOtherCode: see `runs.resume_run`.
        RunLost, SessionNeeded: as `migrate_tenants`.
    """
    known = chart()
    run = resume_run(known.target, started_by=started_by, lost_after=lost_after)
    return _Run(run, known, report).carry_out()


def migrate_latecomers(*, started_by: str) -> MigrationRun | None:
    """Bring those to the code's level whom the release before made after this release's run had ended.

    Between the end of a run and the restart of the last old process somebody may sign up, at the old level,
    and would be answered 503 until the next deployment. Only behind a run that succeeded: one that was
    stopped or failed waits for an operator.
    """
    last = MigrationRun.objects.order_by("-id").first()
    if last is None or last.state != RunState.SUCCEEDED or last.direction != RunDirection.FORWARD:
        return None
    if last.target_version != migrations_version():
        return None
    return migrate_tenants(usual_options(), started_by=started_by, report=lambda _: None)


def _target(known: Chart, options: RunOptions) -> Stand:
    if options.to_level is None:
        return known.target
    target = known.stand_at(options.to_level)
    for key in known.order:
        if key not in target.names and not is_reversible(known.migration(key)):
            raise MigrationIrreversible(migration=".".join(key))
    return target


class _Run:
    """One run in this process."""

    def __init__(self, run: MigrationRun, known: Chart, report: Report) -> None:
        self.run = run
        self._report = report
        self._options = RunOptions.read(run.options)
        self._target = _target(known, self._options)
        limits = Limits(self._options.lock_ms, self._options.statement_ms)
        self._migrator = SchemaMigrator(known, Context(run.id, limits))
        self._started = time.monotonic()
        self._waves: list[dict[str, Any]] = []
        self._failed_before: set[uuid.UUID] = set()
        self._before = (0, 0)  # done and failed before this process took it on
        self._wave, self._number, self._of = Wave("", (), 0), 0, 0

    def carry_out(self) -> MigrationRun:
        """Work on wave after wave and write the end."""
        try:
            state, note = self._work()
        except RunLost:
            raise
        except BaseException as error:
            end_run(self.run, RunState.STOPPED, _said_by(error)[:2000])
            raise
        end_run(self.run, state, note)
        log.info("migration_run_ended", run=str(self.run.id), state=str(state), note=note)
        return self.run

    def _work(self) -> tuple[RunState, str]:
        waves = self._prepare()
        crew = Crew(
            move=self._move,
            pulse=self._pulse,
            run_id=self.run.id,
            workers=_workers(self._options.workers),
            lock_rounds=self._options.lock_rounds,
        )
        for number in itertools.count(1):
            if number > len(waves) and not self._add_latecomers(waves):
                break
            wave = waves[number - 1]
            self._wave, self._number, self._of = wave, number, len(waves)
            tally = crew.work(wave)
            is_asked_to_stop = self._pulse(tally, is_end=True)
            if tally.done:
                # Other processes believe for a while what they know of a host: its level too.
                announce_changed_hosts()
            if tally.has_too_many_failures:
                return RunState.FAILED, (
                    f"{tally.failed} of {tally.size} in {wave.name} failed, {wave.most_failures} may;"
                    " the waves after it were not begun."
                )
            if is_asked_to_stop or crew.is_stopped:
                return RunState.STOPPED, f"Stopped in {wave.name}, {number} of {len(waves)}."
        failed = self._sum("failed") + self._before[1]
        if failed:
            return RunState.FAILED, f"{failed} failed; `migrate_tenants retry-failed` takes them again."
        return RunState.SUCCEEDED, ""

    def _prepare(self) -> list[Wave]:
        """Compose the waves of what is left, and write them down behind those that were finished before."""
        schemas = schemas_to_move(self._options, self._target.level)
        mine = TenantSchema.objects.filter(last_run=self.run)
        failed_before = self._failed_before = set(
            mine.exclude(migration_error="").values_list("id", flat=True)
        )
        schemas = [schema for schema in schemas if schema.id not in failed_before]
        moving = {schema.id for schema in schemas}
        done_before = mine.filter(migration_error="").exclude(id__in=moving).count()
        self._before = (done_before, len(failed_before))
        waves = list(waves_of(schemas, self._options))
        self._waves = [
            {"name": wave.name, "size": len(wave.schemas), "done": 0, "failed": 0} for wave in waves
        ]
        total = len(schemas) + done_before + len(failed_before)
        beat(self.run, total=total, waves=self._waves, wave=0, done=done_before, failed=len(failed_before))
        return waves

    def _add_latecomers(self, waves: list[Wave]) -> bool:
        """Add a wave of those that came while the run went on: the release before goes on creating tenants,
        at the level it knows. False when there are none."""
        if not is_plain(self._options):
            return False
        had = {schema.id for wave in waves for schema in wave.schemas}
        late = [
            schema
            for schema in schemas_to_move(self._options, self._target.level)
            if schema.id not in had and schema.id not in self._failed_before
        ]
        if not late or len(waves) >= _MOST_WAVES:
            return False
        waves.append(Wave(LATECOMERS, tuple(late), len(late) * self._options.most_failures_percent // 100))
        self._waves.append({"name": LATECOMERS, "size": len(late), "done": 0, "failed": 0})
        beat(self.run, total=self._total() + len(late))
        return True

    def _move(self, schema: Standing) -> bool:
        if self.run.direction == RunDirection.BACK:
            return self._migrator.back(schema, self._target)
        return self._migrator.forward(schema)

    def _pulse(self, tally: Tally, *, is_end: bool = False) -> bool:
        shown = self._waves[self._number - 1]
        shown["done"], shown["failed"] = tally.done, tally.failed
        self._report(
            Progress(
                wave=self._wave.name,
                number=self._number,
                of=self._of,
                wave_size=tally.size,
                wave_done=tally.done,
                wave_failed=tally.failed,
                seconds=time.monotonic() - self._started,
                is_end_of_wave=is_end,
            )
        )
        return beat(
            self.run,
            wave=self._number - 1,
            waves=self._waves,
            done=self._before[0] + self._sum("done"),
            failed=self._before[1] + self._sum("failed"),
        )

    def _total(self) -> int:
        return MigrationRun.objects.values_list("total", flat=True).get(id=self.run.id)

    def _sum(self, what: str) -> int:
        return sum(int(wave[what]) for wave in self._waves)


def _said_by(error: BaseException) -> str:
    """Return why a run ended, for people: a refusal with what to do about it."""
    if isinstance(error, DomainError):
        return f"{error.title} {error.advice} ({error})"
    return f"Ended by {type(error).__name__}: {error}"


def _workers(wanted: int) -> int:
    """Return how many threads can have a connection: the run's own thread needs one for its heartbeat."""
    pool = connection.settings_dict["OPTIONS"].get("pool")
    most = pool.get("max_size", wanted + 1) - 1 if isinstance(pool, dict) else wanted
    return max(1, min(wanted, most))


def failed_only(options: RunOptions) -> RunOptions:
    """Return the options of a run that takes those alone that failed before, all in one wave."""
    return replace(
        options, failed_only=True, canaries=(), oldest_canaries=0, waves=(), most_failures_percent=100
    )
