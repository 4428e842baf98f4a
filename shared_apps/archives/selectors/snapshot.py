"""Read one organization's rows as they stand at one moment, by COPY."""

import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, Final

import psycopg
from django.contrib.auth.models import Permission
from django.db import DEFAULT_DB_ALIAS, connections
from psycopg import sql
from psycopg.pq import ExecStatus

from shared_apps.archives.types import Table
from shared_apps.core.portable import portable_tables
from tenants.ddl import template_script, tenant_app_labels

# Made by migrations in every schema; the archive's head says which ran.
_OWN_MIGRATIONS: Final = "django_migrations"
# What decides how COPY spells values, so that an archive reads alike whoever made it.
SPELLING: Final = (
    "SET LOCAL datestyle = 'ISO, YMD'; SET LOCAL intervalstyle = 'postgres'; SET LOCAL timezone = 'UTC';"
    " SET LOCAL bytea_output = 'hex'; SET LOCAL extra_float_digits = 1; SET LOCAL synchronize_seqscans = off"
)


@contextmanager
def snapshot() -> Iterator[psycopg.Connection[Any]]:
    """Give a connection of its own, in the login role, that sees the database as it is now and cannot write.

    Apart from the caller's connection, whose statements (the progress of a job) are seen at once.
    """
    own = connections.create_connection(DEFAULT_DB_ALIAS)
    try:
        own.ensure_connection()
        raw: psycopg.Connection[Any] = own.connection
        raw.execute(f"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; {SPELLING}")
        try:
            yield raw
        finally:
            if not raw.closed:
                raw.rollback()
    finally:
        own.close()


@cache
def tenant_table_names() -> tuple[str, ...]:
    """Return the tables of a tenant schema that travel, by name."""
    names = re.findall(r"^CREATE TABLE __tenant__\.(\w+)", template_script(), re.MULTILINE)
    return tuple(sorted(set(names) - {_OWN_MIGRATIONS}))


def tables_of(raw: psycopg.Connection[Any], schema: str) -> list[Table]:
    """Return every table that travels, in the order of loading, with the columns it has."""
    shared = portable_tables()
    public = _columns(raw, "public", [table.table for table in shared])
    tenant = _columns(raw, schema, list(tenant_table_names()))
    found = [
        Table("public", one.table, tuple(name for name in public[one.table] if name not in one.left_out))
        for one in shared
    ]
    return found + [Table("tenant", name, tenant[name]) for name in tenant_table_names() if name in tenant]


def estimated_bytes(raw: psycopg.Connection[Any], schema: str) -> int:
    """Return how much room the organization's own tables take."""
    row = raw.execute(
        "SELECT COALESCE(sum(pg_table_size(c.oid)), 0)::bigint FROM pg_class c"
        " WHERE c.relnamespace = %s::regnamespace AND c.relname = ANY(%s)",
        [_quoted(schema), list(tenant_table_names())],
    ).fetchone()
    return int(row[0]) if row else 0


def applied_migrations(raw: psycopg.Connection[Any], schema: str) -> list[list[str]]:
    """Return (app, name) of every migration the schema went through."""
    statement = sql.SQL("SELECT app, name FROM {}.django_migrations ORDER BY app, name")
    return [list(row) for row in raw.execute(statement.format(sql.Identifier(schema)))]


def open_jobs(raw: psycopg.Connection[Any], organization_id: uuid.UUID) -> int:
    """Return how many jobs of the organization have not ended, and so stay behind."""
    row = raw.execute(
        "SELECT count(*) FROM public.jobs_job WHERE organization_id = %s AND state IN ('queued', 'running')"
        " AND kind <> 'archives.export'",
        [organization_id],
    ).fetchone()
    return int(row[0]) if row else 0


def object_rights() -> dict[str, str]:
    """Return "app.codename" of each right on objects by its id, which differs between installations."""
    rights = Permission.objects.filter(content_type__app_label__in=tenant_app_labels())
    return {
        str(identifier): f"{app}.{codename}"
        for identifier, app, codename in rights.values_list("id", "content_type__app_label", "codename")
    }


def copied_rows(
    raw: psycopg.Connection[Any], table: Table, schema: str, condition: str = ""
) -> Iterator[memoryview]:
    """Yield the rows of a table in COPY's text form, each with its line end.

    Args:
        schema: where the table stands.
        condition: SQL condition without parameters; all rows when empty.
    """
    source = sql.SQL("SELECT {} FROM {}").format(
        sql.SQL(", ").join(map(sql.Identifier, table.columns)), sql.Identifier(schema, table.name)
    )
    if condition:
        source = sql.SQL("{} WHERE {}").format(source, sql.SQL(condition))
    started = raw.pgconn.exec_(sql.SQL("COPY ({}) TO STDOUT").format(source).as_bytes(raw))
    if started.status != ExecStatus.COPY_OUT:
        raise psycopg.OperationalError(started.get_error_message())
    # Straight from libpq: the driver's own loop costs more for each row than the row.
    take = raw.pgconn.get_copy_data
    while True:
        length, row = take(0)
        if length < 0:
            break
        yield row
    while ended := raw.pgconn.get_result():
        if ended.status != ExecStatus.COMMAND_OK:
            raise psycopg.OperationalError(ended.get_error_message())


def _columns(raw: psycopg.Connection[Any], schema: str, names: list[str]) -> dict[str, tuple[str, ...]]:
    # By name and schema, which has an index; by schema alone every table of every tenant would be read.
    rows = raw.execute(
        "SELECT c.relname, array_agg(a.attname::text ORDER BY a.attnum) FROM pg_class c"
        " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped"
        " AND a.attgenerated = ''"
        " WHERE c.relname = ANY(%s) AND c.relnamespace = %s::regnamespace GROUP BY c.relname",
        [names, _quoted(schema)],
    )
    return {name: tuple(columns) for name, columns in rows}


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
