"""Scratch migrations for the tests of the migrator: those of `rosters`, and more behind them."""

import itertools
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from tenants.ddl import tenant_app_labels
from tenants.models import Organization, TenantSchema
from tenants.services.migrating.chart import chart
from tenants.services.migrating.migrator import migrate_tenants
from tenants.services.migrating.options import RunOptions
from tests.support.server import server_environment

APP = "rosters"
TABLE = "rosters_rosterimport"
_numbers = itertools.count(1)

_SOURCE = """
import time
from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models

{prelude}

class Migration(migrations.Migration):
    atomic = {atomic}
    dependencies = [("rosters", "{before}"), *{others}]
    operations = [{operations}]
"""

ADD_COLUMN = "migrations.AddField('rosterimport', 'scratch', models.CharField(max_length=40, null=True))"
# Twice is an error, and a half of it would be seen.
ADD_EFFECT = (
    "migrations.RunSQL('CREATE TABLE rosters_effect (n integer); INSERT INTO rosters_effect VALUES (1)',"
    " 'DROP TABLE rosters_effect')"
)


@dataclass(frozen=True)
class Scratch:
    """Scratch migrations on disk."""

    folder: Path
    package: str

    def write(
        self, name: str, operations: str, *, before: str, atomic: bool = True, prelude: str = ""
    ) -> None:
        """Write one migration.

        Args:
            operations: Python source of the list's inside.
            before: the migration it stands on.
            prelude: source above the class, for functions.
        """
        source = _SOURCE.format(
            operations=operations, before=before, atomic=atomic, prelude=prelude, others=_leaves_of_others()
        )
        (self.folder / self.package / f"{name}.py").write_text(source)
        chart.cache_clear()

    def environment(self, **more: str) -> dict[str, str]:
        """Return the environment of a process with these migrations."""
        return {
            **os.environ,
            **server_environment(),
            "DJANGO_SETTINGS_MODULE": "tests.tenants.migrating_settings",
            "SCRATCH_ROSTERS": self.package,
            "PYTHONPATH": str(self.folder),
            **more,
        }

    def start(self, *arguments: str, **more: str) -> subprocess.Popen[str]:
        """Start `manage.py migrate_tenants` with these migrations."""
        return subprocess.Popen(
            [sys.executable, "manage.py", "migrate_tenants", *arguments],
            cwd=settings.BASE_DIR,
            env=self.environment(**more),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def call(self, *arguments: str) -> tuple[int, str]:
        """Run it to its end; return exit status and what it wrote."""
        process = self.start(*arguments)
        out, errors = process.communicate(timeout=120)
        return process.returncode, out + errors


def make_scratch(tmp_path: Path, monkeypatch: Any, overridden: Any) -> Scratch:
    """Return a copy of the app's migrations that more can be written to."""
    package = f"scratch_rosters_{os.getpid()}_{next(_numbers)}"
    source = Path(settings.BASE_DIR) / "tenant_apps" / APP / "migrations"
    shutil.copytree(source, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.syspath_prepend(str(tmp_path))
    overridden.MIGRATION_MODULES = {**settings.MIGRATION_MODULES, APP: package}
    chart.cache_clear()
    return Scratch(tmp_path, package)


def _leaves_of_others() -> list[tuple[str, str]]:
    """Return the last migration of each other app of tenants: scratch ones come behind them all."""
    graph = MigrationLoader(None, ignore_no_migrations=True).graph
    return [leaf for leaf in graph.leaf_nodes() if leaf[0] in tenant_app_labels() - {APP}]


def last_of(scratch: Scratch) -> str:
    """Return the name of the app's last own migration, which scratch ones stand on."""
    return max(path.stem for path in (scratch.folder / scratch.package).glob("0*.py"))


def run(options: RunOptions | None = None, report: Callable[[Any], None] = lambda _: None) -> Any:
    """Migrate in this process."""
    return migrate_tenants(options or RunOptions(), started_by="test", report=report)


def schema_of(organization: Organization) -> TenantSchema:
    """Return the registry's row."""
    return TenantSchema.objects.get(id=organization.id)


def value(statement: str, *parameters: Any) -> Any:
    """Return the first column of the first row."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        row = cursor.fetchone()
        return row[0] if row else None


def execute(statement: str, *parameters: Any) -> None:
    """Execute a statement that returns nothing."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)


def effects(table: str = "rosters_effect") -> dict[str, int]:
    """Return schema -> rows of the effect's table, 0 where it is not there."""
    found = {}
    for name in TenantSchema.objects.filter(state__in=("ready", "claimed")).values_list(
        "schema_name", flat=True
    ):
        there = value("SELECT to_regclass(%s) IS NOT NULL", f'"{name}".{table}')
        found[name] = value(f'SELECT count(*) FROM "{name}".{table}') if there else 0
    return found
