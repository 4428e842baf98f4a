"""Takes one schema from where it stands to where it shall: what a worker of the run does for each tenant."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

import structlog
from django.db import DatabaseError, connection, transaction
from psycopg import errors as postgres
from psycopg import sql

from tenants.context import in_public, migrating_schema
from tenants.ddl import tenant_app_labels
from tenants.models import TenantSchema
from tenants.services.migrating.chart import Chart, Key, Stand, Step, Way, stand_of
from tenants.services.migrating.errors import RegistryDiffers, SessionNeeded
from tenants.services.migrating.message import (
    MIGRATED_STATES,
    MOVED_ON_SQLSTATE,
    Context,
    Standing,
    do_move,
    send,
)
from tenants.services.migrating.recording import recording_editor
from tenants.services.migrating.stepwise import StepwiseBusy, run_stepwise

log = structlog.get_logger(__name__)

# A schema that moves on under our hands this often is somebody else's.
_MOST_MOVES = 20


class MovedOn(Exception):
    """The registry's row is not where it was read: another process migrated, claimed or dropped it."""


@dataclass(frozen=True, slots=True)
class _Learned:
    """What the first tenant at a stand was sent for one step."""

    statements: tuple[str, ...]
    step: Step


class SchemaMigrator:
    """Migrates schemas one at a time; one object for a run, used by all its threads.

    It must be used in the shared schema (`in_public`), outside of transactions.
    """

    def __init__(self, chart: Chart, context: Context) -> None:
        self._chart = chart
        self._context = context
        self._learned: dict[tuple[str, Key], _Learned] = {}
        self._teaching: dict[tuple[str, Key], threading.Lock] = {}
        self._stands: dict[str, Stand] = {chart.target.version: chart.target}
        self._guard = threading.Lock()

    def forward(self, schema: Standing) -> bool:
        """Bring a schema to the code's level; False when there was nothing to do for us.

        Raises:
            DatabaseError, or whatever a data migration raises: the step it stands at did not happen.
            StepwiseBusy: another process works on it.
            SessionNeeded: no schema can pass the next step over connections such as this one.
        """
        return self._journey(schema, self._forward_once)

    def back(self, schema: Standing, to: Stand) -> bool:
        """Take a schema back to an earlier stand; False when it was there.

        Raises:
            MigrationIrreversible: a step has no way back; those after it are gone back already.
            DatabaseError: the step it stands at did not happen.
        """

        def once(schema: Standing, stand: Stand) -> Stand | None:
            step = self._chart.back(stand, to)
            return self._by_django(schema, step) if step else None

        return self._journey(schema, once)

    def _journey(self, schema: Standing, once: Callable[[Standing, Stand], Stand | None]) -> bool:
        current: Standing | None = schema
        has_moved = False
        for _ in range(_MOST_MOVES + len(self._chart.order)):
            if current is None:
                return has_moved
            try:
                stand = self._stand_of(current)
                reached = once(current, stand)
            except (MovedOn, RegistryDiffers) as error:
                fresh = _read_again(current)
                if isinstance(error, RegistryDiffers) and fresh == current:
                    raise
                current = fresh
                continue
            if reached is None:
                return has_moved
            has_moved = True
            current = replace(current, level=reached.level, version=reached.version, step="")
        raise StepwiseBusy(schema.schema_name)

    # --- One step, or as many as are one text -------------------------------------------------

    def _forward_once(self, schema: Standing, stand: Stand) -> Stand | None:
        known = self._known(stand)
        if known:
            statements = [text for each in known for text in each.statements]
            records = [record for each in known for record in each.step.records]
            after = known[-1].step.after
            _send(schema, statements, records, after, self._context)
            return after
        step = self._chart.forward(stand)
        if step is None:
            return None
        if step.way is not Way.SQL:
            return self._by_django(schema, step)
        with self._turn(stand, step):
            if (stand.version, step.key) not in self._learned:
                return self._by_django(schema, step)
        # Whoever waited finds the text that the first one wrote.
        return self._forward_once(schema, stand)

    def _known(self, stand: Stand) -> list[_Learned]:
        """Return the steps from a stand on whose text is known, up to the first that is not."""
        found: list[_Learned] = []
        for key in self._chart.missing(stand):
            learned = self._learned.get((stand.version, key))
            if learned is None:
                break
            found.append(learned)
            stand = learned.step.after
        return found

    def _turn(self, stand: Stand, step: Step) -> threading.Lock:
        with self._guard:
            return self._teaching.setdefault((stand.version, step.key), threading.Lock())

    def _by_django(self, schema: Standing, step: Step) -> Stand:
        if step.way is Way.STEPWISE:
            if not connection.keeps_session:  # type: ignore[attr-defined]  # our own backend
                raise SessionNeeded(migration=str(step))
            run_stepwise(schema, step, self._context)
        statements: list[str] = []
        with migrating_schema(schema.schema_name), transaction.atomic(durable=True):
            self._limit()
            if not do_move(schema, step.after, self._context):
                raise MovedOn
            if step.way is not Way.STEPWISE:
                editor = recording_editor()
                with editor:
                    for act in step.acts:
                        act.perform(editor)
                statements = editor.statements
            _note(step)
        if step.is_forward and step.way is Way.SQL:
            self._learned[step.before.version, step.key] = _Learned(tuple(statements), step)
        return step.after

    def _limit(self) -> None:
        limits = self._context.limits
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT set_config('lock_timeout', %s, true), set_config('statement_timeout', %s, true)",
                [f"{limits.lock_ms}ms", f"{limits.statement_ms}ms"],
            )

    # --- Where a schema stands ----------------------------------------------------------------

    def _stand_of(self, schema: Standing) -> Stand:
        """Return where a schema stands, looking into one schema of each version.

        Raises:
            MovedOn: the registry said something else than the schema; it was put right, read it again.
        """
        known = self._stands.get(schema.version)
        if known is not None and known.level == schema.level:
            return known
        stand = stand_of(applied_in(schema))
        if (stand.version, stand.level) != (schema.version, schema.level):
            log.warning("registry_put_right", schema=schema.schema_name, level=stand.level)
            TenantSchema.objects.filter(
                id=schema.id, schema_level=schema.level, schema_version=schema.version
            ).update(schema_level=stand.level, schema_version=stand.version)
            raise MovedOn
        self._stands[schema.version] = stand
        return stand


def applied_in(schema: Standing) -> list[Key]:
    """Return the tenant migrations that a schema's own table names, (app, name) each.

    Raises:
        RegistryDiffers: there is no such schema.
    """
    table = sql.Identifier(schema.schema_name, "django_migrations")
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                sql.SQL("SELECT app, name FROM {} WHERE app = ANY(%s)").format(table),
                [sorted(tenant_app_labels())],
            )
            return [(str(app), str(name)) for app, name in cursor.fetchall()]
    except DatabaseError as error:
        if isinstance(error.__cause__, postgres.UndefinedTable | postgres.InvalidSchemaName):
            raise RegistryDiffers(schema=schema.schema_name) from error
        raise


def _send(
    schema: Standing, statements: list[str], records: list[Key], after: Stand, context: Context
) -> None:
    try:
        send(schema, statements, records, after, context)
    except DatabaseError as error:
        if getattr(error.__cause__, "sqlstate", "") == MOVED_ON_SQLSTATE:
            raise MovedOn from error
        raise


def _note(step: Step) -> None:
    """Write or strike the rows of django_migrations, in the schema the connection stands in."""
    with connection.cursor() as cursor:
        for app, name in step.records:
            if step.is_forward:
                cursor.execute(
                    "INSERT INTO django_migrations (app, name, applied) VALUES (%s, %s, now())", [app, name]
                )
            else:
                cursor.execute("DELETE FROM django_migrations WHERE app = %s AND name = %s", [app, name])


def _read_again(schema: Standing) -> Standing | None:
    """Return the schema as the registry has it now; None when it is no longer one to migrate."""
    with in_public():
        row = TenantSchema.objects.filter(id=schema.id, state__in=MIGRATED_STATES).first()
    if row is None:
        return None
    return replace(
        schema, state=row.state, level=row.schema_level, version=row.schema_version, step=row.migration_step
    )
