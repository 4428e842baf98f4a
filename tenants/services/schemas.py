"""Make, claim and drop tenant schemas."""

import time
import uuid
from datetime import timedelta

import structlog
from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.db.models import Q
from psycopg import sql
from psycopg.errors import DependentObjectsStillExist

from shared_apps.core import clock
from shared_apps.core.ids import new_id
from shared_apps.core.transactions import require_transaction
from tenants.context import in_public
from tenants.ddl import PLACEHOLDER, template_level, template_script, template_version
from tenants.enums import SchemaState
from tenants.models import Organization, TenantSchema
from tenants.names import schema_name_for

log = structlog.get_logger(__name__)

# A build takes under a second; a row that has been building this long lost its worker.
ABANDONED_AFTER = timedelta(minutes=2)


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
    name = schema_name_for(identifier.hex)
    TenantSchema.objects.get_or_create(
        id=identifier, defaults={"schema_name": name, "state": SchemaState.BUILDING}
    )
    try:
        return _build_locked(identifier, state)
    except DatabaseError as error:
        # The row must say why; the refill tries it again before it makes any other.
        TenantSchema.objects.filter(id=identifier, state=SchemaState.BUILDING).update(
            state=SchemaState.FAILED, error=f"{type(error).__name__}: {error}"[:2000], updated_at=clock.now()
        )
        raise


def _build_locked(identifier: uuid.UUID, state: SchemaState) -> TenantSchema:
    started = time.monotonic()
    with transaction.atomic(durable=True):
        row = TenantSchema.objects.select_for_update().get(id=identifier)
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


def refill_pool(*, target: int | None = None) -> int:
    """Build ready schemas up to the target and heal abandoned ones; return how many were built.

    Args:
        target: number of ready schemas wanted; the setting when None.
    """
    target = settings.READY_SCHEMAS_TARGET if target is None else target
    _heal_abandoned()
    built = 0
    while (
        TenantSchema.objects.filter(state=SchemaState.READY, schema_version=template_version()).count()
        < target
    ):
        build_schema()
        built += 1
    return built


def _heal_abandoned() -> None:
    """Build again what a killed worker left; drop ready schemas of an older version nobody claimed."""
    lost = TenantSchema.objects.filter(
        Q(state=SchemaState.BUILDING, updated_at__lt=clock.now() - ABANDONED_AFTER)
        | Q(state=SchemaState.FAILED)
    )
    owned = set(
        Organization.objects.filter(id__in=lost.values("id")).values_list("id", flat=True)
    )  # an organization waits for it: it must never be for others to claim
    for identifier in list(lost.values_list("id", flat=True)):
        build_schema(identifier, state=SchemaState.CLAIMED if identifier in owned else SchemaState.READY)
    outdated = TenantSchema.objects.filter(state=SchemaState.READY).exclude(schema_version=template_version())
    for identifier in list(outdated.values_list("id", flat=True)):
        with transaction.atomic(durable=True):
            row = (
                TenantSchema.objects.select_for_update(skip_locked=True)
                .filter(id=identifier, state=SchemaState.READY)
                .first()
            )
            if row is not None:
                do_drop_schema(row)


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


def _replay(name: str) -> None:
    """Send role, schema, DDL and grants as one message."""
    quoted = sql.Identifier(name)
    before = sql.SQL(
        "CREATE ROLE {name} NOLOGIN; GRANT {group} TO {name};"
        "GRANT {name} TO CURRENT_USER WITH SET TRUE, INHERIT FALSE; CREATE SCHEMA {name};"
    ).format(name=quoted, group=sql.Identifier(settings.TENANT_GROUP_ROLE))
    after = sql.SQL(
        "GRANT USAGE ON SCHEMA {name} TO {name};"
        "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {name} TO {name};"
        "GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA {name} TO {name};"
        "ALTER DEFAULT PRIVILEGES IN SCHEMA {name} GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {name};"
    ).format(name=quoted)
    script = template_script().replace(PLACEHOLDER, f'"{name}"')
    connection.ensure_connection()
    raw = connection.connection
    with connection.wrap_database_errors, raw.cursor() as cursor:
        cursor.execute(before.as_string(raw) + script + after.as_string(raw))


def refill_in_public(target: int | None = None) -> int:
    """Refill from a place that stands in no scope yet (commands, demo)."""
    with in_public():
        return refill_pool(target=target)
