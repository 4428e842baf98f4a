"""One tenant's migration as one message to the database.

The text is that of the first tenant at the same stand. All of it is one transaction that begins with the
registry's row: whoever finds it at another level than expected changes nothing, so no migration can reach a
tenant twice, whatever was killed and whoever else runs.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection
from psycopg import sql

from shared_apps.core import clock
from tenants.enums import SchemaState
from tenants.models import TenantSchema
from tenants.postgresql.citus import cluster_messages, is_cluster
from tenants.services.migrating.chart import Key, Stand

# Raised inside the message when the registry's row is not where it was expected.
MOVED_ON_SQLSTATE = "PM001"
MIGRATED_STATES = (SchemaState.READY, SchemaState.CLAIMED)


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a migration may wait and work.

    Attributes:
        lock_ms: milliseconds that it waits for a lock; behind it everybody else waits for the table too.
        statement_ms: milliseconds that one statement may take.
    """

    lock_ms: int = 2_000
    statement_ms: int = 60_000


@dataclass(frozen=True, slots=True)
class Standing:
    """A schema in the registry, as the migrator needs it."""

    id: uuid.UUID
    schema_name: str
    label: str
    state: str
    level: int
    version: str
    step: str = ""


def send(
    schema: Standing, statements: Sequence[str], records: Sequence[Key], after: Stand, context: "Context"
) -> None:
    """Bring a schema from its stand to another: statements, rows of django_migrations, registry.

    Raises:
        DatabaseError: nothing of it happened. Its cause has MOVED_ON_SQLSTATE when the registry's row is not
            where `schema` says.
    """
    connection.ensure_connection()
    raw = connection.connection
    text = sql.SQL("\n;").join(
        [_opening(schema, after, context), *map(sql.SQL, statements), _noted(schema, records)]
    )
    try:
        with connection.wrap_database_errors, raw.cursor() as cursor:
            message = text.as_string(raw)
            for part in cluster_messages(message) if is_cluster() else [message]:
                cursor.execute(part, prepare=False)
    except BaseException:
        if not raw.closed:
            raw.rollback()
        raise


@dataclass(frozen=True, slots=True)
class Context:
    """For which run, and how long it may take."""

    run_id: uuid.UUID | None
    limits: Limits


def _opening(schema: Standing, after: Stand, context: Context) -> sql.Composable:
    now = clock.now()
    return sql.SQL(
        """BEGIN;
SET LOCAL lock_timeout = {lock}; SET LOCAL statement_timeout = {statement};
SET LOCAL search_path TO {schema}, public;
DO $palaestra$ BEGIN
  UPDATE public.tenants_tenantschema
     SET schema_level = {to_level}, schema_version = {to_version}, migrated_at = {now}, updated_at = {now},
         migration_error = '', migration_attempts = 0, migration_step = '', last_run_id = {run}
   WHERE id = {id} AND schema_level = {level} AND schema_version = {version} AND state = ANY({states});
  IF NOT FOUND THEN RAISE EXCEPTION 'the schema moved on' USING ERRCODE = {moved_on}; END IF;
END $palaestra$"""
    ).format(
        lock=sql.Literal(context.limits.lock_ms),
        statement=sql.Literal(context.limits.statement_ms),
        schema=sql.Identifier(schema.schema_name),
        to_level=sql.Literal(after.level),
        to_version=sql.Literal(after.version),
        now=sql.Literal(now),
        run=sql.Literal(context.run_id),
        id=sql.Literal(schema.id),
        level=sql.Literal(schema.level),
        version=sql.Literal(schema.version),
        states=sql.Literal([str(state) for state in MIGRATED_STATES]),
        moved_on=sql.Literal(MOVED_ON_SQLSTATE),
    )


def _noted(schema: Standing, records: Sequence[Key]) -> sql.Composable:
    rows = sql.SQL(", ").join(
        sql.SQL("({}, {}, now())").format(sql.Literal(app), sql.Literal(name)) for app, name in records
    )
    return sql.SQL("INSERT INTO {}.django_migrations (app, name, applied) VALUES {};\nCOMMIT").format(
        sql.Identifier(schema.schema_name), rows
    )


def do_move(schema: Standing, after: Stand, context: Context) -> bool:
    """Write another stand into the registry's row, locked until the commit; False when it moved on."""
    now = clock.now()
    return bool(
        TenantSchema.objects.filter(
            id=schema.id,
            schema_level=schema.level,
            schema_version=schema.version,
            state__in=MIGRATED_STATES,
        ).update(
            schema_level=after.level,
            schema_version=after.version,
            migrated_at=now,
            updated_at=now,
            migration_error="",
            migration_attempts=0,
            migration_step="",
            last_run_id=context.run_id,
        )
    )
