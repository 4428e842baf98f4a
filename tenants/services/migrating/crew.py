"""The threads that work on a wave, each with a database connection of its own.

Threads, since a worker waits for the database: its own share of a tenant is a few hundred microseconds
(docs/decisions/0006). The calling thread works on no tenant; it keeps the run's heartbeat.
"""

import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field

import structlog
from django.db import DatabaseError, InterfaceError, OperationalError, connection
from django.db.models import F
from psycopg import errors as postgres

from shared_apps.core import clock
from tenants.context import in_public
from tenants.models import TenantSchema
from tenants.services.migrating.errors import SessionNeeded
from tenants.services.migrating.message import Standing
from tenants.services.migrating.stepwise import StepwiseBusy
from tenants.services.migrating.waves import Wave
from tenants.services.pacing import rest_after

log = structlog.get_logger(__name__)

_PULSE_SECONDS = 0.5
_FIRST_WAIT_SECONDS = 0.5
_ERROR_LENGTH = 2000
# Somebody holds what the migration needs: nothing is wrong with it, later it may pass.
_LOCKED = (postgres.LockNotAvailable, postgres.DeadlockDetected)


@dataclass
class Tally:
    """How far a wave is. Written by several threads under one lock."""

    size: int
    most_failures: int
    done: int = 0
    failed: int = 0
    locked: list[Standing] = field(default_factory=list)

    @property
    def has_too_many_failures(self) -> bool:
        """Tell whether the run must stop here."""
        return self.failed > self.most_failures


class Crew:
    """Works on waves.

    Args:
        move: migrates one schema; raises what went wrong.
        pulse: called every half second with the tally; True stops the crew after the tenants in hand.
        lock_rounds: how often schemas whose tables were locked are tried again at the end of a wave.
    """

    def __init__(
        self,
        *,
        move: Callable[[Standing], bool],
        pulse: Callable[[Tally], bool],
        run_id: uuid.UUID,
        workers: int,
        lock_rounds: int,
    ) -> None:
        self._move = move
        self._pulse = pulse
        self._run_id = run_id
        self._workers = workers
        self._lock_rounds = lock_rounds
        self._lock = threading.Lock()
        self._stop = threading.Event()

    def work(self, wave: Wave) -> Tally:
        """Migrate the wave's schemas; return when all had their turn, or the crew was stopped.

        Raises:
            SessionNeeded: nobody can be taken further over these connections.
        """
        tally = Tally(len(wave.schemas), wave.most_failures)
        todo: Iterable[Standing] = wave.schemas
        for round_ in range(self._lock_rounds + 1):
            if round_:
                todo, tally.locked = tally.locked, []
                if not todo or self._rest(tally, _FIRST_WAIT_SECONDS * 2 ** (round_ - 1)):
                    break
            self._round(todo, tally)
            if self._stop.is_set():
                break
        self._give_up_locked(tally)
        return tally

    @property
    def is_stopped(self) -> bool:
        """Tell whether the crew stopped before its wave's end."""
        return self._stop.is_set()

    def _round(self, schemas: Iterable[Standing], tally: Tally) -> None:
        todo = deque(schemas)
        with ThreadPoolExecutor(self._workers, thread_name_prefix="migrate") as threads:
            working: set[Future[None]] = {
                threads.submit(self._work, todo, tally) for _ in range(self._workers)
            }
            try:
                while working:
                    done, working = wait(working, timeout=_PULSE_SECONDS)
                    if self._pulse(tally):
                        self._stop.set()
                    for each in done:
                        each.result()
            except BaseException:
                self._stop.set()
                raise

    def _rest(self, tally: Tally, seconds: float) -> bool:
        """Wait without losing the heartbeat; True when asked to stop."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            time.sleep(min(left, _PULSE_SECONDS))
            if self._pulse(tally):
                self._stop.set()
                return True
        return False

    def _work(self, todo: deque[Standing], tally: Tally) -> None:
        try:
            with in_public():
                while not self._stop.is_set():
                    try:
                        schema = todo.popleft()
                    except IndexError:
                        return
                    started = time.monotonic()
                    self._take(schema, tally)
                    rest_after(time.monotonic() - started, sleep=self._stop.wait)
        finally:
            connection.close()

    def _take(self, schema: Standing, tally: Tally) -> None:
        try:
            self._move(schema)
        except StepwiseBusy:
            with self._lock:
                tally.locked.append(schema)
        except SessionNeeded:
            raise  # it would be so for everybody
        except Exception as error:  # noqa: BLE001  whatever it is, the next tenant must get its turn
            if isinstance(error, DatabaseError) and isinstance(error.__cause__, _LOCKED):
                with self._lock:
                    tally.locked.append(schema)
                return
            if isinstance(error, OperationalError | InterfaceError):
                connection.close()  # it may be lost; what is noted now, and the next tenant, get a new one
            self._fail(schema, tally, f"{type(error).__name__}: {error}")
        else:
            with self._lock:
                tally.done += 1

    def _fail(self, schema: Standing, tally: Tally, error: str) -> None:
        log.error("tenant_not_migrated", schema=schema.schema_name, organization=schema.label, error=error)
        TenantSchema.objects.filter(id=schema.id).update(
            migration_error=error[:_ERROR_LENGTH],
            migration_attempts=F("migration_attempts") + 1,
            last_run_id=self._run_id,
            updated_at=clock.now(),
        )
        with self._lock:
            tally.failed += 1
            if tally.has_too_many_failures:
                self._stop.set()

    def _give_up_locked(self, tally: Tally) -> None:
        """Record those whose tables stayed locked as failed; a stopped crew leaves them for later."""
        locked, tally.locked = tally.locked, []
        if self._stop.is_set():
            return
        for schema in locked:
            self._fail(schema, tally, "its tables stayed locked by another transaction")
