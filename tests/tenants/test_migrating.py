"""The migrator brings every schema to the code's level: text once, one message for each tenant."""

from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tenants.context import in_organization
from tenants.ddl import template_level
from tenants.enums import RunState, SchemaState
from tenants.models import MigrationRun, Organization, TenantSchema
from tenants.services.migrating.chart import chart, stand_of
from tenants.services.migrating.one_schema import applied_in
from tests.tenants.migrating_ground import (
    ADD_COLUMN,
    ADD_EFFECT,
    TABLE,
    Scratch,
    effects,
    last_of,
    make_scratch,
    run,
    schema_of,
    value,
)


@pytest.fixture
def scratch(committed: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Any) -> Any:
    made = make_scratch(tmp_path, monkeypatch, settings)
    yield made
    chart.cache_clear()


def has_column(schema: str, column: str) -> bool:
    return bool(
        value(
            "SELECT count(*) FROM information_schema.columns"
            " WHERE table_schema = %s AND table_name = %s AND column_name = %s",
            schema,
            TABLE,
            column,
        )
    )


def test_every_schema_gets_the_column_its_record_and_its_level(
    scratch: Scratch, acme: Organization, globex: Organization
) -> None:
    scratch.write("0900_column", ADD_COLUMN, before=last_of(scratch))

    done = run()

    assert (done.state, done.done, done.failed, done.total) == (RunState.SUCCEEDED, 8, 0, 8)
    for row in TenantSchema.objects.filter(state__in=("ready", "claimed")):
        assert has_column(row.schema_name, "scratch")
        assert (row.schema_level, row.schema_version) == (template_level() + 1, chart().target.version)
        assert (row.migration_error, row.migration_attempts, row.last_run_id) == ("", 0, done.id)
        assert (
            value(f"SELECT count(*) FROM \"{row.schema_name}\".django_migrations WHERE name = '0900_column'")
            == 1
        )
