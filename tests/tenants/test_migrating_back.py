"""Migrations forward and back: each reversible or marked, and really taken back and forward again."""

from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from psycopg import sql

from shared_apps.core.ids import new_id
from tenants.enums import RunDirection, RunState, SchemaState
from tenants.models import MigrationRun, Organization, TenantSchema
from tenants.names import schema_name_for
from tenants.services.migrating.chart import chart, is_reversible, stand_of
from tenants.services.migrating.errors import MigrationIrreversible, MigrationUnknown
from tenants.services.migrating.message import Context, Limits, Standing
from tenants.services.migrating.one_schema import SchemaMigrator, applied_in
from tenants.services.migrating.options import RunOptions
from tenants.services.template import dump_schema
from tests.tenants.migrating_ground import (
    ADD_COLUMN,
    ADD_EFFECT,
    Scratch,
    effects,
    execute,
    last_of,
    run,
    schema_of,
    value,
)


def own_migrations() -> list[Any]:
    """The migrations of our own apps."""
    loader = MigrationLoader(None, ignore_no_migrations=True)
    root = Path(django_settings.BASE_DIR)
    labels = {
        path.parent.name
        for path in [
            *root.glob("*_apps/*/migrations"),
            root / "tenants/migrations",
            root / "billing/migrations",
        ]
    }
    return [migration for (app, _), migration in sorted(loader.disk_migrations.items()) if app in labels]


@pytest.mark.feature("OPS-09")
def test_every_migration_knows_its_way_back_or_says_why_it_has_none() -> None:
    found = own_migrations()
    assert len(found) > 20
    silent = [
        str(migration)
        for migration in found
        if not is_reversible(migration) and not getattr(migration, "irreversible_because", "")
    ]
    assert silent == []


@pytest.mark.feature("OPS-09")
@pytest.mark.slow
def test_every_tenant_migration_goes_back_to_nothing_and_forward_to_the_same(
    committed: None, acme: Organization
) -> None:
    # given a schema of its own that is up to date
    identifier = new_id()
    name = schema_name_for(identifier.hex)
    execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(name)).as_string(connection.connection))
    execute(
        f'CREATE TABLE "{name}".django_migrations (LIKE "{acme.schema_name}".django_migrations INCLUDING ALL)'
    )
    empty = stand_of([])
    TenantSchema.objects.create(
        id=identifier, schema_name=name, state=SchemaState.READY, schema_level=0, schema_version=empty.version
    )
    standing = Standing(identifier, name, "scratch", "ready", 0, empty.version)
    migrator = SchemaMigrator(chart(), Context(None, Limits()))
    assert migrator.forward(standing)
    made = dump_schema(name)
    assert made == dump_schema(acme.schema_name)

    # when it goes all the way back, and forward again
    there = Standing(identifier, name, "scratch", "ready", chart().target.level, chart().target.version)
    assert migrator.back(there, empty)
    left = value(
        "SELECT count(*) FROM pg_class WHERE relkind = 'r' AND relnamespace = %s::regnamespace", f'"{name}"'
    )
    assert left == 1  # django_migrations
    assert applied_in(standing) == []
    assert migrator.forward(standing)

    # then it is what it was
    assert dump_schema(name) == made


@pytest.mark.feature("OPS-09")
def test_one_tenant_is_taken_back_and_brought_forward_again(
    scratch: Scratch, acme: Organization, globex: Organization
) -> None:
    scratch.write("0900_effect", ADD_EFFECT, before=last_of(scratch))
    scratch.write("0901_column", ADD_COLUMN, before="0900_effect")
    run()
    level = chart().target.level

    done = run(RunOptions(to_level=level - 2, slugs=("acme",)))

    assert (done.state, done.direction, done.done) == (RunState.SUCCEEDED, RunDirection.BACK, 1)
    assert schema_of(acme).schema_level == level - 2
    assert schema_of(globex).schema_level == level
    assert value("SELECT to_regclass(%s)", f'"{acme.schema_name}".rosters_effect') is None
    assert run().done == 1
    assert schema_of(acme).schema_level == level
    assert effects()[acme.schema_name] == 1


def test_the_command_takes_back_by_name_and_only_whom_it_is_told(
    scratch: Scratch, acme: Organization, capsys: pytest.CaptureFixture[str]
) -> None:
    before = last_of(scratch)
    scratch.write("0900_effect", ADD_EFFECT, before=before)
    run()
    with pytest.raises(CommandError, match="Say who"):
        call_command("migrate_tenants", "back", to=("rosters", before))
    with pytest.raises(CommandError, match="Say how far"):
        call_command("migrate_tenants", "back", "--all")

    call_command("migrate_tenants", "back", "--all", to=("rosters", before))

    assert set(effects().values()) == {0}
    assert set(TenantSchema.objects.values_list("schema_level", flat=True)) == {chart().target.level - 1}


def test_what_has_no_way_back_is_refused_before_anything_is_changed(
    scratch: Scratch, acme: Organization
) -> None:
    scratch.write("0900_gone", "migrations.RunSQL('SELECT 1')", before=last_of(scratch))
    scratch.write("0901_column", ADD_COLUMN, before="0900_gone")
    run()
    runs = MigrationRun.objects.count()

    with pytest.raises(MigrationIrreversible) as refused:
        run(RunOptions(to_level=chart().target.level - 2))

    assert refused.value.facts == {"migration": "rosters.0900_gone"}
    assert MigrationRun.objects.count() == runs
    assert schema_of(acme).schema_level == chart().target.level


def test_a_level_the_code_does_not_have_is_refused(scratch: Scratch) -> None:
    with pytest.raises(MigrationUnknown):
        run(RunOptions(to_level=chart().target.level + 1))


def test_the_librarys_command_for_all_schemas_is_refused_with_the_way_to_go(committed: None) -> None:
    for told in ((), ("--tenant",), ("--schema=acme",), ("--executor=multiprocessing", "courses", "0001")):
        with pytest.raises(CommandError, match="migrate_tenants"):
            call_command("migrate_schemas", *told)
