"""Migrations that cannot be one transaction (`atomic = False`): operation by operation, kept in the registry.

What Postgres does only outside of transactions, such as CREATE INDEX CONCURRENTLY, may be half done when its
process is killed. Every operation that can be a transaction is one, together with the count of those done, so
it happens once. The others are made so that doing them again is right: an index left invalid is dropped and
made again, one that is there is left. RunSQL and RunPython without a transaction must say the same about
themselves (docs/operators/migrations.md).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import connection, transaction
from django.db.migrations.operations import RunPython, RunSQL, SeparateDatabaseAndState
from psycopg import sql

from shared_apps.core import clock
from tenants.context import migrating_schema
from tenants.models import TenantSchema
from tenants.services.migrating.chart import Act, Step
from tenants.services.migrating.message import MIGRATED_STATES, Context, Standing


class StepwiseBusy(Exception):
    """Another process works on this schema outside of transactions; tried again later."""


def run_stepwise(schema: Standing, step: Step, context: Context) -> None:
    """Perform the operations of a step that are not done yet; the caller notes the end.

    Raises:
        StepwiseBusy: another process is at it.
        DatabaseError: an operation failed; those before it stay done.
    """
    with migrating_schema(schema.schema_name), _held(schema), _limited(context):
        done = _done(schema, step)
        _write(schema, step, done)
        for number, act in enumerate(step.acts[done:], start=done):
            if _fits_transaction(act):
                with transaction.atomic():
                    _perform(act)
                    _write(schema, step, number + 1)
            else:
                _perform_repeatably(act, schema)
                _write(schema, step, number + 1)


def _perform(act: Act) -> None:
    with connection.schema_editor(atomic=False) as editor:
        act.perform(editor)


def _perform_repeatably(act: Act, schema: Standing) -> None:
    _drop_invalid_indexes(schema)
    operation = act.operation
    if isinstance(operation, AddIndexConcurrently | RemoveIndexConcurrently):
        is_making = isinstance(operation, AddIndexConcurrently) == act.is_forward
        name = operation.index.name if isinstance(operation, AddIndexConcurrently) else operation.name
        if _has_index(schema, name) == is_making:
            return
    _perform(act)


def _fits_transaction(act: Act) -> bool:
    operation = act.operation
    if isinstance(operation, RunPython):
        return operation.atomic is True
    if isinstance(operation, RunSQL | SeparateDatabaseAndState):
        return False
    return operation.atomic is not False and type(operation).__module__.startswith("django.db.migrations.")


def _done(schema: Standing, step: Step) -> int:
    """Return how many operations are done, as the registry says now."""
    found = TenantSchema.objects.values_list("migration_step", flat=True).get(id=schema.id)
    name, _, count = found.rpartition(":")
    return int(count) if name == _marker(step) else 0


def _write(schema: Standing, step: Step, done: int) -> None:
    TenantSchema.objects.filter(id=schema.id, state__in=MIGRATED_STATES).update(
        migration_step=f"{_marker(step)}:{done}", updated_at=clock.now()
    )


def _marker(step: Step) -> str:
    return f"{step}" if step.is_forward else f"back {step}"


@contextmanager
def _held(schema: Standing) -> Iterator[None]:
    """Hold the schema against a second process; Postgres lets go when the connection ends."""
    key = schema.id.int & 0x7FFF_FFFF_FFFF_FFFF
    if not _value("SELECT pg_try_advisory_lock(%s)", key):
        raise StepwiseBusy(schema.schema_name)
    try:
        # It may have moved on between the reading of its row and now.
        if not TenantSchema.objects.filter(
            id=schema.id, schema_level=schema.level, schema_version=schema.version, state__in=MIGRATED_STATES
        ).exists():
            raise StepwiseBusy(schema.schema_name)
        yield
    finally:
        if connection.connection is not None and not connection.connection.closed:
            _value("SELECT pg_advisory_unlock(%s)", key)


@contextmanager
def _limited(context: Context) -> Iterator[None]:
    """Bound the waiting for locks. Statements take their time: an index of a large table takes minutes and
    stands in nobody's way."""
    _value("SELECT set_config('lock_timeout', %s, false)", f"{context.limits.lock_ms}ms")
    try:
        yield
    finally:
        if connection.connection is not None and not connection.connection.closed:
            _value("SELECT set_config('lock_timeout', '0', false)")


def _drop_invalid_indexes(schema: Standing) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
            " WHERE NOT i.indisvalid AND c.relnamespace = %s::regnamespace",
            [f'"{schema.schema_name}"'],
        )
        for (name,) in cursor.fetchall():
            cursor.execute(
                sql.SQL("DROP INDEX CONCURRENTLY IF EXISTS {}").format(
                    sql.Identifier(schema.schema_name, name)
                )
            )


def _has_index(schema: Standing, name: str) -> bool:
    return bool(
        _value(
            "SELECT EXISTS (SELECT 1 FROM pg_class WHERE relkind = 'i' AND relname = %s"
            " AND relnamespace = %s::regnamespace)",
            name,
            f'"{schema.schema_name}"',
        )
    )


def _value(statement: str, *parameters: Any) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        row = cursor.fetchone()
        return row[0] if row else None
