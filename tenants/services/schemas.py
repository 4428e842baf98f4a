"""Make, claim and drop tenant schemas."""

import random
import time
import uuid

import structlog
from django.conf import settings
from django.db import DatabaseError, connection, transaction
from psycopg import sql
from psycopg.errors import (
    DeadlockDetected,
    DependentObjectsStillExist,
    LockNotAvailable,
    OutOfMemory,
    SerializationFailure,
)

from shared_apps.core import clock
from shared_apps.core.ids import new_id
from shared_apps.core.transactions import require_transaction
from tenants.ddl import PLACEHOLDER, template_level, template_script, template_version
from tenants.enums import SchemaState
from tenants.models import TenantSchema
from tenants.names import schema_name_for
from tenants.postgresql.citus import NEW_SCHEMA_SETTINGS, ROLE_ON_CLUSTER, is_cluster, single_statements

log = structlog.get_logger(__name__)

# What a neighbour can do to a build; the lock table counts too: it is shared by all who build and drop.
_PASSING = (DeadlockDetected, SerializationFailure, LockNotAvailable, OutOfMemory)
# Seconds between attempts; None ends them.
_PAUSES = (0.1, 0.4, 1.2, None)


def do_claim_ready_schema() -> TenantSchema | None:
    """Take the oldest ready schema for an organization about to be created; None when the pool is empty.

    One statement: two claims at once take two rows, and a claim whose transaction rolls back gives its row
    back by itself. Needs an open transaction in the shared schema.
    """
    require_transaction()
    instant = clock.now()
    claimed = TenantSchema.objects.raw(
        """
        UPDATE tenants_tenantschema SET state = 'claimed', claimed_at = %s, updated_at = %s
         WHERE id = (SELECT id FROM tenants_tenantschema WHERE state = 'ready' AND schema_version = %s
                      ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)
        RETURNING *
        """,
        [instant, instant, template_version()],
    )
    return next(iter(claimed), None)


def build_schema(
    identifier: uuid.UUID | None = None, *, state: SchemaState = SchemaState.READY
) -> TenantSchema:
    """Build one schema by replaying the template's DDL, in one transaction of its own.

    The row says `building` before and `state` after; a worker killed in between leaves a `building` row
    whose DDL was rolled back by Postgres. Building twice under one identifier is safe: what is there is kept,
    and a schema that was dropped is never made again.

    Args:
        identifier: id of the schema and of the organization that will own it; a new one when None.
        state: READY for the pool, CLAIMED when an organization already waits for it.
    """
    identifier = identifier or new_id()
    reserve_schema(identifier)
    built = build_reserved(identifier, state)
    if built is None:  # only with wait=False
        raise RuntimeError("a build that waits for its row has it")
    return built


def reserve_schema(identifier: uuid.UUID) -> None:
    """Write the row of a schema that is about to be built; a failed one is to be built anew."""
    TenantSchema.objects.get_or_create(
        id=identifier,
        defaults={"schema_name": schema_name_for(identifier.hex), "state": SchemaState.BUILDING},
    )
    TenantSchema.objects.filter(id=identifier, state=SchemaState.FAILED).update(
        state=SchemaState.BUILDING, updated_at=clock.now()
    )


def build_reserved(identifier: uuid.UUID, state: SchemaState, *, wait: bool = True) -> TenantSchema | None:
    """Build a schema whose row is there; return None when another worker is at it and `wait` is off.

    A build that lost against a neighbour (deadlock, full lock table, a role changed at the same moment) is
    tried again, four times within two seconds. Any other error stands in the row, which is `failed` then.

    Args:
        state: of the row once the schema is there.
        wait: whether to wait for a worker that builds it already, and return what it built.
    """
    for pause in _PAUSES:
        try:
            return _build_locked(identifier, state, wait=wait)
        except DatabaseError as error:
            if pause is None or not _is_passing(error):
                _say_failed(identifier, error)
                raise
            log.warning("schema_build_retried", schema=str(identifier), error=str(error)[:200])
        time.sleep(pause * random.uniform(0.5, 1))  # noqa: S311  apart from others that lost with it
    raise AssertionError("unreachable")


def _is_passing(error: DatabaseError) -> bool:
    """Tell whether a build may succeed at the next attempt, because only its neighbours stopped it."""
    cause = error.__cause__
    return isinstance(cause, _PASSING) or "tuple concurrently updated" in str(error)


def _say_failed(identifier: uuid.UUID, error: DatabaseError) -> None:
    """Leave the error in the row; the refill tries it again before it makes any other."""
    log.error("schema_build_failed", schema=str(identifier), error=str(error)[:200])
    TenantSchema.objects.filter(id=identifier, state=SchemaState.BUILDING).update(
        state=SchemaState.FAILED, error=f"{type(error).__name__}: {error}"[:2000], updated_at=clock.now()
    )


def _build_locked(identifier: uuid.UUID, state: SchemaState, *, wait: bool) -> TenantSchema | None:
    started = time.monotonic()
    with transaction.atomic(durable=True):
        row = TenantSchema.objects.select_for_update(skip_locked=not wait).filter(id=identifier).first()
        if row is None:
            return None
        if row.state == SchemaState.READY and state is SchemaState.CLAIMED:
            # Left by a killed worker and healed into the pool meanwhile: its organization takes it.
            row.state, row.claimed_at = state, clock.now()
            row.save_fields("state", "claimed_at")
        if row.state in {SchemaState.READY, SchemaState.CLAIMED, SchemaState.DROPPED}:
            return row
        _replay(row.schema_name)
        row.state = state
        row.schema_version = template_version()
        row.schema_level = template_level()
        row.built_at = clock.now()
        row.claimed_at = row.built_at if state is SchemaState.CLAIMED else None
        row.build_ms = round((time.monotonic() - started) * 1000)
        row.error = ""
        row.save_fields(
            "state", "schema_version", "schema_level", "built_at", "claimed_at", "build_ms", "error"
        )
    log.info("schema_built", schema=row.schema_name, milliseconds=row.build_ms)
    return row


def do_build_schema(identifier: uuid.UUID) -> TenantSchema:
    """Build a claimed schema in the caller's transaction, for an organization that comes with its rows: all
    of it is there after the commit, or nothing.

    A role of the name may be there: roles belong to the whole server, where another database may hold the
    organization that this one is a copy of.
    """
    require_transaction()
    instant = clock.now()
    row = TenantSchema.objects.create(
        id=identifier,
        schema_name=schema_name_for(identifier.hex),
        state=SchemaState.CLAIMED,
        schema_version=template_version(),
        schema_level=template_level(),
        built_at=instant,
        claimed_at=instant,
    )
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [row.schema_name])
        has_role = cursor.fetchone() is not None
    _replay(row.schema_name, has_role=has_role)
    return row


def do_lock_schema(identifier: uuid.UUID) -> TenantSchema:
    """Return the schema's row, locked; made when there is none, so that a build coming later finds it."""
    require_transaction()
    TenantSchema.objects.get_or_create(
        id=identifier,
        defaults={"schema_name": schema_name_for(identifier.hex), "state": SchemaState.BUILDING},
    )
    return TenantSchema.objects.select_for_update().get(id=identifier)


def do_drop_schema(row: TenantSchema) -> None:
    """Drop a schema, its role and all in it; needs an open transaction and the row locked."""
    require_transaction()
    name = sql.Identifier(row.schema_name)
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(name))
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [row.schema_name])
        if cursor.fetchone():
            # Grants in this database go with DROP OWNED; the role itself owns nothing.
            cursor.execute(sql.SQL("GRANT {} TO CURRENT_USER WITH INHERIT TRUE").format(name))
            cursor.execute(sql.SQL("DROP OWNED BY {}").format(name))
            _drop_role(row.schema_name)
    row.state = SchemaState.DROPPED
    row.save_fields("state")


def _drop_role(name: str) -> None:
    """Drop a role that has no rights left here. Roles belong to the whole server: where another database, a
    copy of this one, still grants it something, it stays, without login and without rights in this one."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))
    except DatabaseError as error:
        if not isinstance(error.__cause__, DependentObjectsStillExist):
            raise
        log.warning("role_kept", role=name)


def _replay(name: str, *, has_role: bool = False) -> None:
    """Send role, schema, rights and DDL, as one message where the database takes it so.

    The tables get their rights as they are made. `GRANT ... ON ALL TABLES IN SCHEMA` after it would read
    pg_class from end to end, six times: with 1,000 tenants that took twice as long as making the tables.
    Membership in the tenants' group comes last: it locks the group's role until the commit, and builds at the
    same time would go one after the other.
    """
    quoted = sql.Identifier(name)
    before = sql.SQL(
        ("" if has_role else "CREATE ROLE {name} {login};")
        + "GRANT {name} TO CURRENT_USER WITH SET TRUE, INHERIT FALSE; CREATE SCHEMA {name};"
        "GRANT USAGE ON SCHEMA {name} TO {name};"
        "ALTER DEFAULT PRIVILEGES IN SCHEMA {name} GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {name};"
        "ALTER DEFAULT PRIVILEGES IN SCHEMA {name} GRANT USAGE, SELECT ON SEQUENCES TO {name};"
    ).format(name=quoted, login=sql.SQL(ROLE_ON_CLUSTER if is_cluster() else "NOLOGIN"))
    after = sql.SQL("GRANT {group} TO {name};").format(
        name=quoted, group=sql.Identifier(settings.TENANT_GROUP_ROLE)
    )
    script = template_script().replace(PLACEHOLDER, f'"{name}"')
    connection.ensure_connection()
    raw = connection.connection
    text = "\n".join((before.as_string(raw), script, after.as_string(raw)))
    # A cluster takes one statement at a time, and chooses a node for each new schema.
    parts = [*NEW_SCHEMA_SETTINGS, *single_statements(text)] if is_cluster() else [text]
    with connection.wrap_database_errors, raw.cursor() as cursor:
        for part in parts:
            cursor.execute(part)
