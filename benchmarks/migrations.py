"""How fast tenants are migrated: nothing to do, one column for all; and the library's way on a few."""

import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django.core.management import call_command
from django.core.management.commands.migrate import Command as DjangoMigrate
from django.db import connection
from psycopg import sql

from benchmarks import scratch_migrations
from benchmarks.load import percentile
from benchmarks.many import count_from_environment, make_tenants, quiet_log
from benchmarks.stack import Stack
from tenants.context import in_public, migrating_schema
from tenants.ddl import migrations_level, tenant_app_labels
from tenants.enums import RunState
from tenants.models import Organization
from tenants.selectors.migrations import missing_in_public
from tenants.services.migrating.chart import chart
from tenants.services.migrating.migrator import migrate_tenants
from tenants.services.migrating.options import RunOptions
from tenants.services.migrating.waves import is_anyone_behind

NAME = "migrations"
DESCRIPTION = "migrating many tenants: nothing to do, and one column; the library's way on some of them"
TENANTS = count_from_environment("BENCH_TENANTS", 1000)
LIBRARY_TENANTS = count_from_environment("BENCH_LIBRARY_TENANTS", 20)
_NOOPS = 20


def run(stack: Stack, *, tenants: int = TENANTS, library_tenants: int = LIBRARY_TENANTS) -> dict[str, Any]:
    """Return the figures.

    `noop_ms_1000` is what `migrate_tenants` does with nothing to do in a process that has Django ready: read
    the migrations from disk, ask whether the shared schema lacks one, ask the registry whether anybody is
    behind. The first such check of a process, which imports the migrations, is `noop_first_ms`; the
    interpreter's start and Django's set-up are left out, and so is `manage.py migrate` for the shared schema
    (`noop_shared_migrate_ms`), which grants anew each time.
    """
    organizations = make_tenants(tenants, stack=stack)
    stack.say(f"{tenants} tenants are there")
    with quiet_log(), in_public(), TemporaryDirectory() as folder:
        figures = _nothing_to_do()
        stack.say(f"nothing to do: {figures['noop_ms_1000']} ms")
        scratch_migrations.install(Path(folder))
        for workers in (1, 2, 4):
            scratch_migrations.write_column(f"workers_{workers}")
            figures |= _add_column(workers, tenants)
            stack.say(f"one column, {workers} workers: {figures[f'add_column_s.w{workers}']} s")
        figures["add_column_s_1000"] = figures["add_column_s.w2"]
        scratch_migrations.write_column("library")
        figures |= _the_librarys_way(organizations[:library_tenants], tenants)
    stack.say(f"the library's way: {figures['library_add_column_ms_each']} ms for each tenant")
    figures["ratio_vs_library"] = round(
        figures["library_add_column_s_extrapolated"] / figures["add_column_s_1000"], 1
    )
    return figures | {"tenants": tenants}


def _nothing_to_do() -> dict[str, Any]:
    first = _check()
    later = [_check() for _ in range(_NOOPS)]
    started = time.perf_counter()
    call_command("migrate", verbosity=0, interactive=False)
    shared = (time.perf_counter() - started) * 1000
    level = migrations_level()
    started = time.perf_counter()
    is_anyone_behind(level)
    registry = (time.perf_counter() - started) * 1000
    return {
        "noop_ms_1000": round(percentile(later, 50), 2),
        "noop_first_ms": round(first, 2),
        "noop_registry_ms": round(registry, 2),
        "noop_shared_migrate_ms": round(shared, 1),
    }


def _check() -> float:
    chart.cache_clear()
    started = time.perf_counter()
    if missing_in_public() or migrate_tenants(RunOptions(), started_by="bench", report=lambda _: None):
        raise AssertionError("there was something to do")
    return (time.perf_counter() - started) * 1000


def _add_column(workers: int, tenants: int) -> dict[str, Any]:
    """Migrate all in waves as a deployment does, the first tenants as canaries."""
    chart.cache_clear()
    started = time.perf_counter()
    done = migrate_tenants(RunOptions(workers=workers), started_by="bench", report=lambda _: None)
    seconds = time.perf_counter() - started
    if done is None or done.state != RunState.SUCCEEDED or done.done != tenants:
        raise AssertionError(f"the run did not succeed: {done and done.note}")
    return {f"add_column_s.w{workers}": round(seconds, 2)}


def _the_librarys_way(organizations: list[Organization], tenants: int) -> dict[str, Any]:
    """Migrate some by Django's own command in each schema, which is what `migrate_schemas` runs, with all
    tenants present; what it would take for all of them is that times their number, and said to be so."""
    adding, nothing = [], []
    for organization in organizations:
        _note_shared_migrations(organization)
        adding.append(_by_django(organization))
        nothing.append(_by_django(organization))
    return {
        "library_way": "Django's migrate in each schema with all present, as migrate_schemas runs it, but "
        "with our introspection of one schema, which the library has not",
        "library_tenants": len(organizations),
        "library_add_column_ms_each": round(percentile(adding, 50), 1),
        "library_nothing_ms_each": round(percentile(nothing, 50), 1),
        "library_add_column_s_extrapolated": round(percentile(adding, 50) * tenants / 1000, 1),
    }


def _note_shared_migrations(organization: Organization) -> None:
    """The library notes those of the shared schema in each tenant too, and Django's command insists on it."""
    with connection.cursor() as cursor:
        cursor.execute(
            sql.SQL(
                "INSERT INTO {}.django_migrations (app, name, applied) SELECT app, name, applied"
                " FROM public.django_migrations WHERE NOT app = ANY(%s)"
            ).format(sql.Identifier(organization.schema_name)),
            [sorted(tenant_app_labels())],
        )


def _by_django(organization: Organization) -> float:
    started = time.perf_counter()
    with migrating_schema(organization.schema_name):
        call_command(DjangoMigrate(), run_syncdb=False, interactive=False, verbosity=0)
    return (time.perf_counter() - started) * 1000
