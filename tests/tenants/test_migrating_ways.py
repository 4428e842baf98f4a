"""Migrations that are not one text for all: Python in each tenant, and steps outside of transactions."""

import os
import signal

import pytest

from tenants.enums import RunState
from tenants.models import MigrationRun, Organization, TenantSchema
from tenants.services.migrating.chart import Way, chart
from tenants.services.migrating.migrator import resume_migration
from tenants.services.migrating.options import RunOptions
from tests.support.processes import wait_for
from tests.tenants.migrating_ground import (
    ADD_COLUMN,
    APP,
    Scratch,
    effects,
    execute,
    run,
    schema_of,
    value,
)

# Writes a row that says whom it was run for.
TOLD = """
def tell(apps, editor):
    Import = apps.get_model("rosters", "RosterImport")
    with editor.connection.cursor() as cursor:
        cursor.execute("INSERT INTO rosters_effect SELECT count(*) + 100 FROM rosters_rosterimport")
    assert Import.objects.count() == 0
    assert apps.get_model("people", "Member").objects.count() >= 0

def untell(apps, editor):
    editor.execute("DELETE FROM rosters_effect WHERE n >= 100")
"""
TELL = "migrations.RunPython(tell, untell)"
INDEX = (
    "AddIndexConcurrently('rosterimport', models.Index(fields=['created_at'], name='rosters_scratch_index'))"
)
COUNT = "migrations.RunSQL('INSERT INTO rosters_effect VALUES (7)', migrations.RunSQL.noop)"


@pytest.fixture
def scratch(scratch_with_effect: Scratch) -> Scratch:
    return scratch_with_effect


def indexes(schema: str) -> list[bool]:
    """Return whether the scratch index is valid, for each that there is."""
    found = value(
        "SELECT array_agg(i.indisvalid) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
        " WHERE c.relname = 'rosters_scratch_index' AND c.relnamespace = %s::regnamespace",
        f'"{schema}"',
    )
    return list(found or [])


def moved_schemas() -> list[TenantSchema]:
    return list(TenantSchema.objects.filter(state__in=("ready", "claimed")))


def test_a_mixed_plan_arrives_in_order_each_by_its_way(scratch: Scratch) -> None:
    # given text, Python, text, an index outside of transactions, and Python again
    scratch.write("0901_tell", TELL, before="0900_effect", prelude=TOLD)
    scratch.write("0902_column", ADD_COLUMN, before="0901_tell")
    scratch.write("0903_index", INDEX, before="0902_column", atomic=False)
    scratch.write("0904_tell", TELL, before="0903_index", prelude=TOLD)
    ways = [chart().way(key) for key in chart().order[-5:]]
    assert ways == [Way.SQL, Way.PYTHON, Way.SQL, Way.STEPWISE, Way.PYTHON]

    done = run()

    assert (done.state, done.done) == (RunState.SUCCEEDED, 8)
    assert set(effects().values()) == {3}
    for row in moved_schemas():
        assert indexes(row.schema_name) == [True]
        assert (row.schema_level, row.migration_step) == (chart().target.level, "")


def test_a_data_migration_that_fails_leaves_no_half_of_itself(
    scratch: Scratch, acme: Organization, globex: Organization
) -> None:
    # given a data migration that writes and then refuses one tenant
    refusing = (
        "def tell(apps, editor):\n"
        "    editor.execute('INSERT INTO rosters_effect VALUES (100)')\n"
        f"    if editor.connection.schema_name == {globex.schema_name!r}:\n"
        "        raise ValueError('refused')\n"
        "def untell(apps, editor):\n    pass\n"
    )
    scratch.write("0901_tell", TELL, before="0900_effect", prelude=refusing)

    done = run(RunOptions(canaries=("acme",), most_failures_percent=50))

    # then the step before it stands, nothing of it does, and the others have it
    assert (done.done, done.failed) == (7, 1)
    found = effects()
    assert found.pop(globex.schema_name) == 1
    assert set(found.values()) == {2}
    row = schema_of(globex)
    assert (row.schema_level, row.migration_error) == (chart().target.level - 1, "ValueError: refused")
    names = f'SELECT count(*) FROM "{globex.schema_name}".django_migrations WHERE name = %s'
    assert (value(names, "0900_effect"), value(names, "0901_tell")) == (1, 0)


def test_operations_that_are_done_are_not_done_again_and_the_rest_is(
    scratch: Scratch, acme: Organization, globex: Organization
) -> None:
    # given three operations outside of transactions, and a tenant whose second one fails
    scratch.write("0901_steps", f"{ADD_COLUMN}, {INDEX}", before="0900_effect", atomic=False)
    table = f'"{globex.schema_name}".rosters_rosterimport'
    execute(f'CREATE TABLE "{globex.schema_name}".rosters_scratch_index (n int)')  # takes the index's name
    failed = run(RunOptions(canaries=("acme",), most_failures_percent=50))
    assert (failed.done, failed.failed) == (7, 1)
    row = schema_of(globex)
    assert (row.migration_step, row.schema_level) == ("rosters.0901_steps:1", chart().target.level - 1)

    # when what was in the way is gone
    execute(f'DROP TABLE "{globex.schema_name}".rosters_scratch_index')
    assert run().state == RunState.SUCCEEDED

    # then the column, made once, was not made again
    assert indexes(globex.schema_name) == [True]
    assert value(f"SELECT count(scratch) FROM {table}") == 0
    assert schema_of(globex).migration_step == ""


def test_behind_a_pooler_the_run_stops_before_what_needs_a_session_and_goes_on_without_it(
    scratch: Scratch,
) -> None:
    # given an index to be made outside of transactions
    scratch.write("0901_index", INDEX, before="0900_effect", atomic=False)

    # when the migrator has connections that keep nothing for their session
    process = scratch.start("run", "--without-public", DATABASE_POOLING="transaction", DATABASE_DIRECT_URL="")
    said = "".join(process.communicate(timeout=60))

    # then it says what it needs, and nobody failed
    assert process.returncode == 1
    assert "needs a connection past the pooler" in said
    stopped = MigrationRun.objects.get()
    assert (stopped.state, stopped.failed) == (RunState.STOPPED, 0)
    assert "DATABASE_DIRECT_URL" in stopped.note
    assert {row.migration_error for row in moved_schemas()} == {""}

    # and with a session it is gone on with
    assert resume_migration(started_by="test", report=lambda _: None).state == RunState.SUCCEEDED
    assert {row.schema_level for row in moved_schemas()} == {chart().target.level}


@pytest.mark.slow
def test_an_index_cut_off_by_a_kill_is_dropped_and_made_again(scratch: Scratch, acme: Organization) -> None:
    # given a transaction that keeps the index from being finished
    scratch.write("0901_index", f"{INDEX}, {ADD_COLUMN}", before="0900_effect", atomic=False)
    execute("BEGIN")
    execute(f'LOCK TABLE "{acme.schema_name}".rosters_rosterimport IN ROW EXCLUSIVE MODE')
    process = scratch.start("run", "--without-public", "--canary", "acme", "--lock-timeout", "60000")
    wait_for(lambda: indexes(acme.schema_name) == [False])

    # when the migrator is killed there, and its connection is noticed to be gone
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=60)
    execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE query LIKE 'CREATE INDEX CONCURRENTLY%%' AND datname = current_database()"
    )
    execute("COMMIT")
    assert schema_of(acme).migration_step == "rosters.0901_index:0"

    # then the next run makes it whole
    status, said = scratch.call("run", "--without-public", "--wait", "--lost-after", "1")
    assert status == 0, said
    assert indexes(acme.schema_name) == [True]
    assert {row.schema_level for row in moved_schemas()} == {chart().target.level}


def test_python_in_the_middle_of_steps_is_one_transaction_where_it_says_so(scratch: Scratch) -> None:
    steps = f"migrations.RunPython(tell, untell, atomic=True), {INDEX}, {COUNT}"
    scratch.write("0901_steps", steps, before="0900_effect", atomic=False, prelude=TOLD)
    assert chart().way((APP, "0901_steps")) is Way.STEPWISE

    assert run().state == RunState.SUCCEEDED

    assert set(effects().values()) == {3}
