"""The migrator brings every schema to the code's level: text once, one message for each tenant."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from benchmarks.many import make_tenants
from shared_apps.core import clock
from tenants.context import in_organization
from tenants.ddl import template_level
from tenants.enums import RunState, SchemaState
from tenants.models import MigrationRun, Organization, TenantSchema
from tenants.services.migrating import migrator
from tenants.services.migrating.chart import Way, chart, stand_of
from tenants.services.migrating.message import Context, Limits, Standing
from tenants.services.migrating.migrator import Progress
from tenants.services.migrating.one_schema import SchemaMigrator, applied_in
from tenants.services.migrating.options import RunOptions
from tenants.services.migrating.waves import schemas_to_move, waves_of
from tenants.services.schemas import do_drop_schema, do_lock_schema
from tenants.tasks import migrate_those_who_came_late
from tests.tenants.migrating_ground import (
    ADD_COLUMN,
    ADD_EFFECT,
    APP,
    TABLE,
    Scratch,
    effects,
    last_of,
    run,
    schema_of,
    value,
)


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


def test_a_second_run_has_nothing_to_do_and_asks_twice(scratch: Scratch) -> None:
    scratch.write("0900_column", ADD_COLUMN, before=last_of(scratch))
    run()
    runs = MigrationRun.objects.count()

    with CaptureQueriesContext(connection) as queries:
        assert run() is None

    assert len(queries) == 2  # is anybody behind, and is a run open
    assert MigrationRun.objects.count() == runs


def test_what_the_first_tenant_was_sent_is_sent_to_the_others_once_each(
    scratch: Scratch, acme: Organization, globex: Organization
) -> None:
    # given two migrations, of which the second looks up what the first one made
    last = last_of(scratch)
    unique = "migrations.AddField('rosterimport', 'scratch', models.IntegerField(null=True, unique=True))"
    common = "migrations.AlterField('rosterimport', 'scratch', models.IntegerField(null=True))"
    scratch.write("0900_unique", f"{unique}, {common}", before=last)
    scratch.write("0901_effect", ADD_EFFECT, before="0900_unique")

    run()

    # then the constraint that one operation made and the next one dropped is nowhere left
    left = "SELECT count(*) FROM pg_constraint WHERE conname LIKE 'rosters_rosterimport_scratch%%'"
    assert value(left) == 0
    assert set(effects().values()) == {1}


def test_a_new_table_is_the_tenants_own_and_its_role_may_use_it(scratch: Scratch, acme: Organization) -> None:
    model = (
        "migrations.CreateModel('Thing', [('id', models.BigAutoField(primary_key=True)),"
        " ('name', models.CharField(max_length=40))])"
    )
    scratch.write("0900_thing", model, before=last_of(scratch))

    run()

    for row in TenantSchema.objects.filter(state__in=("ready", "claimed")):
        assert value("SELECT to_regclass(%s) IS NOT NULL", f'"{row.schema_name}".rosters_thing')
    with in_organization(acme):
        value("INSERT INTO rosters_thing (name) VALUES ('mine') RETURNING id")
        assert value("UPDATE rosters_thing SET name = 'still mine' RETURNING name") == "still mine"
        assert value("DELETE FROM rosters_thing RETURNING name") == "still mine"
    assert value("SELECT to_regclass('public.rosters_thing')") is None


def test_a_trigger_and_its_function_belong_to_the_tenant(
    scratch: Scratch, acme: Organization, globex: Organization
) -> None:
    # given a function that says in which schema its trigger fired
    made = (
        "CREATE FUNCTION told() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " NEW.place := TG_TABLE_SCHEMA; RETURN NEW; END $$;"
        "CREATE TABLE rosters_told (place text);"
        "CREATE TRIGGER told BEFORE INSERT ON rosters_told FOR EACH ROW EXECUTE FUNCTION told()"
    )
    scratch.write(
        "0900_told", f"migrations.RunSQL({made!r}, migrations.RunSQL.noop)", before=last_of(scratch)
    )

    run()

    for organization in (acme, globex):
        with in_organization(organization):
            assert value("INSERT INTO rosters_told VALUES ('') RETURNING place") == organization.schema_name


def test_schemas_that_start_at_different_levels_all_arrive(
    scratch: Scratch, acme: Organization, globex: Organization
) -> None:
    last = last_of(scratch)
    scratch.write("0900_effect", ADD_EFFECT, before=last)
    run()
    again = "INSERT INTO rosters_effect VALUES (2)"
    scratch.write("0901_again", f"migrations.RunSQL({again!r}, migrations.RunSQL.noop)", before="0900_effect")
    name = globex.schema_name  # goes back by hand, as a restored backup would
    with connection.cursor() as cursor:
        cursor.execute(f'DROP TABLE "{name}".rosters_effect')
        cursor.execute(f"DELETE FROM \"{name}\".django_migrations WHERE name = '0900_effect'")
    before = stand_of(applied_in(run_standing(globex)))
    TenantSchema.objects.filter(id=globex.id).update(schema_level=before.level, schema_version=before.version)

    assert run().state == RunState.SUCCEEDED

    assert set(effects().values()) == {2}
    assert {row.schema_level for row in (schema_of(acme), schema_of(globex))} == {chart().target.level}


def run_standing(organization: Organization) -> Any:
    row = schema_of(organization)
    return Standing(
        row.id, row.schema_name, organization.slug, row.state, row.schema_level, row.schema_version
    )


def test_a_registry_that_says_too_little_is_put_right_and_nothing_happens_twice(
    scratch: Scratch, acme: Organization
) -> None:
    scratch.write("0900_effect", ADD_EFFECT, before=last_of(scratch))
    run()
    TenantSchema.objects.filter(id=acme.id).update(schema_level=0, schema_version="of another age")

    run()

    assert effects()[acme.schema_name] == 1
    assert schema_of(acme).schema_version == chart().target.version


def test_canaries_go_first_then_ready_schemas_in_growing_waves(
    scratch: Scratch, acme: Organization, globex: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch.write("0900_column", ADD_COLUMN, before=last_of(scratch))
    announced = []
    monkeypatch.setattr(migrator, "announce_changed_hosts", lambda: announced.append(1))

    done = run(RunOptions(canaries=("globex",), waves=(2, 3)))

    assert [(wave["name"], wave["size"], wave["done"]) for wave in done.waves] == [
        ("canaries", 1, 1),
        ("wave 1", 2, 2),
        ("wave 2", 3, 3),
        ("wave 3", 2, 2),
    ]
    assert len(announced) == 4  # once for each wave, not for each tenant
    schemas = schemas_to_move(RunOptions(), chart().target.level + 1)
    waves = list(waves_of(schemas, RunOptions(canaries=("globex",), waves=(6,))))
    assert [schema.label for schema in waves[0].schemas] == ["globex"]
    assert {schema.state for schema in waves[1].schemas} == {SchemaState.READY}
    assert [schema.label for schema in waves[2].schemas] == ["acme"]


def test_one_organization_alone_can_be_migrated(
    scratch: Scratch, acme: Organization, globex: Organization
) -> None:
    scratch.write("0900_effect", ADD_EFFECT, before=last_of(scratch))

    run(RunOptions(slugs=("acme",)))

    found = effects()
    assert found.pop(acme.schema_name) == 1
    assert set(found.values()) == {0}


def test_a_dropped_schema_is_left_alone(scratch: Scratch, acme: Organization, globex: Organization) -> None:
    scratch.write("0900_effect", ADD_EFFECT, before=last_of(scratch))
    standing = run_standing(globex)
    with transaction.atomic():
        do_drop_schema(do_lock_schema(globex.id))

    migrator_ = SchemaMigrator(chart(), Context(None, Limits()))
    assert migrator_.forward(standing) is False

    assert schema_of(globex).state == SchemaState.DROPPED
    assert run().state == RunState.SUCCEEDED


def test_a_default_that_is_drawn_is_drawn_for_each_tenant(
    scratch: Scratch, acme: Organization, globex: Organization
) -> None:
    drawn = (
        "migrations.CreateModel('Key', [('id', models.BigAutoField(primary_key=True))]),"
        "migrations.RunSQL('INSERT INTO rosters_key DEFAULT VALUES', migrations.RunSQL.noop)"
    )
    scratch.write("0900_key", drawn, before=last_of(scratch))
    field = "migrations.AddField('key', 'secret', models.UUIDField(default=uuid.uuid4))"
    scratch.write("0901_secret", field, before="0900_key", prelude="import uuid")
    assert (chart().way((APP, "0900_key")), chart().way((APP, "0901_secret"))) == (Way.SQL, Way.PYTHON)

    run()

    secrets = set()
    for organization in (acme, globex):
        with in_organization(organization):
            secrets.add(value("SELECT secret FROM rosters_key"))
    assert len(secrets) == 2


def test_a_squash_of_what_a_schema_has_is_only_written_down(scratch: Scratch, acme: Organization) -> None:
    last = last_of(scratch)
    scratch.write("0900_effect", ADD_EFFECT, before=last)
    scratch.write("0901_column", ADD_COLUMN, before="0900_effect")
    run()
    replaced = "replaces = [('rosters', '0900_effect'), ('rosters', '0901_column')]"
    scratch.write("0902_squashed", f"{ADD_EFFECT}, {ADD_COLUMN}", before=last)
    squash = scratch.folder / scratch.package / "0902_squashed.py"
    squash.write_text(squash.read_text() + f"    {replaced}\n")

    assert run().state == RunState.SUCCEEDED

    assert set(effects().values()) == {1}
    assert (APP, "0902_squashed") in applied_in(run_standing(acme))


def test_a_run_killed_after_its_last_tenant_is_ended_by_the_next(scratch: Scratch) -> None:
    scratch.write("0900_column", ADD_COLUMN, before=last_of(scratch))
    done = run()
    long_ago = clock.now() - timedelta(minutes=1)
    MigrationRun.objects.filter(id=done.id).update(state=RunState.RUNNING, heartbeat_at=long_ago)

    again = run()

    assert (again.id, again.state, again.done, again.total) == (done.id, RunState.SUCCEEDED, 8, 8)


def test_tenants_that_come_while_a_run_goes_on_are_taken_along(scratch: Scratch) -> None:
    scratch.write("0900_effect", ADD_EFFECT, before=last_of(scratch))
    made: list[Organization] = []

    def sign_up(progress: Progress) -> None:
        if progress.number == 1 and not made:
            made.extend(make_tenants(3))  # by the release before, at its level

    done = run(RunOptions(waves=()), report=sign_up)

    assert (done.state, done.done, done.total) == (RunState.SUCCEEDED, 11, 11)
    assert done.waves[-1] == {"name": "latecomers", "size": 3, "done": 3, "failed": 0}
    assert set(effects().values()) == {1}


def test_tenants_that_come_after_a_run_are_migrated_by_beat(scratch: Scratch) -> None:
    scratch.write("0900_effect", ADD_EFFECT, before=last_of(scratch))
    assert migrate_those_who_came_late() == 0  # no run of this release yet: it waits for its deployment
    run()
    make_tenants(2)

    assert migrate_those_who_came_late() == 2

    assert set(effects().values()) == {1}
    assert migrate_those_who_came_late() == 0


def test_beat_leaves_a_run_that_was_stopped_to_the_operator(scratch: Scratch) -> None:
    scratch.write("0900_effect", ADD_EFFECT, before=last_of(scratch))
    run()
    MigrationRun.objects.update(state=RunState.STOPPED)
    make_tenants(1)

    assert migrate_those_who_came_late() == 0
    assert sorted(effects().values()) == [0, *[1] * 8]
