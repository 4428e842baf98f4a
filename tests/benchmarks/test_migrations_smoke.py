"""The benchmarks of the migrator run, at tiny sizes, and do what they count."""

import os
from pathlib import Path
from typing import Any

import pytest

from benchmarks import migrations, neighbour, scratch_migrations, stack
from benchmarks.stack import Stack
from tenants.models import MigrationRun, TenantSchema
from tenants.services.migrating.chart import chart
from tests.support.server import server_environment


@pytest.fixture
def ground(committed: None, tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(stack, "HEALTH_HOST", "app.palaestra.test")
    settings.MIGRATION_MODULES = dict(settings.MIGRATION_MODULES)
    monkeypatch.syspath_prepend(str(tmp_path))
    environment = {**os.environ, **server_environment(), "RATE_LIMIT_CALLER": "100000000"}
    yield Stack(environment, tmp_path, workers=1)
    chart.cache_clear()
    scratch_migrations.forget()


@pytest.mark.slow
def test_the_migrations_benchmark_migrates_all_it_counts(ground: Stack) -> None:
    # given a database that holds tenants of its own besides
    TenantSchema.objects.update(state="failed")

    figures = migrations.run(ground, tenants=6, library_tenants=2)

    assert figures["tenants"] == 6
    assert figures["add_column_s_1000"] == figures["add_column_s.w2"] > 0
    assert figures["noop_ms_1000"] > 0
    assert MigrationRun.objects.count() == 3
    assert set(MigrationRun.objects.values_list("done", "failed")) == {(6, 0)}


@pytest.mark.slow
def test_the_neighbour_benchmark_measures_while_the_others_work(ground: Stack) -> None:
    TenantSchema.objects.filter(state="ready").update(state="failed")

    figures = neighbour.run(ground, tenants=8, created=8, rounds=3, idle_seconds=1)

    assert figures["errors"] == 0
    assert min(figures[f"{time}_requests"] for time in ("idle", "creating", "migrating")) > 3
    assert figures["p99_ratio"] > 0
    assert set(MigrationRun.objects.values_list("failed", flat=True)) == {0}
    assert MigrationRun.objects.count() == 3
