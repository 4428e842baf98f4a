"""Migrations to measure with: those of one app, copied, and one more column behind them for each measure."""

import importlib
import shutil
import sys
from pathlib import Path

from django.conf import settings

from tenants.services.migrating.chart import chart

_APP = "rosters"
_PACKAGE = "bench_rosters_migrations"
_SOURCE = """
from django.db import migrations, models

class Migration(migrations.Migration):
    dependencies = [("rosters", "{before}")]
    operations = [
        migrations.AddField("rosterimport", "{column}", models.CharField(max_length=40, null=True))
    ]
"""


def install(folder: Path) -> None:
    """Let this process read the app's migrations from a copy that more can be written to."""
    source = Path(settings.BASE_DIR) / "tenant_apps" / _APP / "migrations"
    shutil.copytree(source, folder / _PACKAGE, ignore=shutil.ignore_patterns("__pycache__"))
    sys.path.insert(0, str(folder))
    settings.MIGRATION_MODULES = {**settings.MIGRATION_MODULES, _APP: _PACKAGE}
    chart.cache_clear()


def write_column(column: str) -> None:
    """Write one more migration, which adds a nullable column to a table."""
    package = Path(str(importlib.import_module(_PACKAGE).__file__)).parent
    last = max(path.stem for path in package.glob("0*.py"))
    name = f"{int(last[:4]) + 1:04}_{column}"
    (package / f"{name}.py").write_text(_SOURCE.format(before=last, column=column))
    importlib.invalidate_caches()
    chart.cache_clear()


def forget() -> None:
    """Forget the copy, for a process that goes on with other migrations."""
    for name in [name for name in sys.modules if name.partition(".")[0] == _PACKAGE]:
        del sys.modules[name]
    sys.path[:] = [entry for entry in sys.path if not (Path(entry) / _PACKAGE).is_dir()]
    chart.cache_clear()
