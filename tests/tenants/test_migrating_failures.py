"""What fails, fails alone: until too many do. Locked tables are tried again."""

import threading

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from benchmarks.many import make_tenants
from tenants.context import in_public
from tenants.enums import RunState
from tenants.models import Organization, TenantSchema
from tenants.services.migrating.chart import chart
from tenants.services.migrating.crew import Crew, Tally
from tenants.services.migrating.errors import NoRun, OrganizationsUnknown
from tenants.services.migrating.migrator import failed_only, resume_migration
from tenants.services.migrating.options import RunOptions
from tests.tenants.migrating_ground import (
    ADD_COLUMN,
    TABLE,
    Scratch,
    effects,
    execute,
    run,
    schema_of,
)


@pytest.fixture
def scratch(scratch_with_effect: Scratch) -> Scratch:
    return scratch_with_effect


def break_schema(organization: Organization) -> None:
    """Let the migration meet what it cannot pass: its table is there already."""
    execute(f'CREATE TABLE "{organization.schema_name}".rosters_effect ()')


def mend_schema(organization: Organization) -> None:
    execute(f'DROP TABLE "{organization.schema_name}".rosters_effect')


def test_one_that_fails_stops_nobody_and_says_why(
    scratch: Scratch, acme: Organization, globex: Organization
) -> None:
    break_schema(globex)

    done = run(RunOptions(canaries=("acme",), most_failures_percent=50))

    assert (done.state, done.done, done.failed) == (RunState.FAILED, 7, 1)
    row = schema_of(globex)
    assert (row.schema_level, row.migration_attempts) == (chart().target.level - 1, 1)
    assert "rosters_effect" in row.migration_error
    assert row.last_run_id == done.id
    found = effects()
    assert found.pop(globex.schema_name) == 0
    assert set(found.values()) == {1}


def test_one_whose_connection_is_ended_stops_nobody_and_says_why(
    scratch: Scratch, acme: Organization, globex: Organization
) -> None:
    """As an operator does with a migration that hangs."""
    end = (
        f"DO $$ BEGIN IF current_schema() = '{globex.schema_name}'"
        " THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF; END $$"
    )
    scratch.write("0901_end", f'migrations.RunSQL("{end}", "SELECT 1")', before="0900_effect")

    done = run(RunOptions(canaries=("acme",), most_failures_percent=50))

    assert (done.state, done.done, done.failed) == (RunState.FAILED, 7, 1)
    assert "terminating connection" in schema_of(globex).migration_error
    found = effects()
    assert found.pop(globex.schema_name) == 0  # both steps or none
    assert set(found.values()) == {1}


def test_those_that_failed_are_tried_again_alone(
    scratch: Scratch, acme: Organization, globex: Organization
) -> None:
    break_schema(globex)
    run(RunOptions(canaries=("acme",), most_failures_percent=50))
    assert run(failed_only(RunOptions())).state == RunState.FAILED
    assert schema_of(globex).migration_attempts == 2
    mend_schema(globex)

    done = run(failed_only(RunOptions()))

    assert (done.state, done.total, done.done, done.failed) == (RunState.SUCCEEDED, 1, 1, 0)
    row = schema_of(globex)
    assert (row.schema_level, row.migration_attempts, row.migration_error) == (chart().target.level, 0, "")


def test_a_canary_that_fails_ends_the_run_before_anybody_else(
    scratch: Scratch, acme: Organization, globex: Organization
) -> None:
    break_schema(acme)

    done = run(RunOptions(canaries=("acme",), most_failures_percent=100))

    assert (done.state, done.done, done.failed, done.total) == (RunState.FAILED, 0, 1, 8)
    assert set(effects().values()) == {0}


def test_too_many_failures_in_a_wave_stop_the_run_and_resuming_goes_on_with_the_rest(
    scratch: Scratch,
) -> None:
    # given forty tenants, of which the eighth to the twelfth will fail
    tenants = make_tenants(40)
    for tenant in tenants[8:12]:
        break_schema(tenant)
    told = RunOptions(canaries=(tenants[0].slug,), waves=(20,), workers=1, most_failures_percent=10)

    # when they are migrated
    stopped = run(told)

    # then the wave of twenty (eight ready ones among them) ended at its third failure: two may fail
    assert (stopped.state, stopped.failed) == (RunState.FAILED, 3)
    before = sum(effects().values())
    assert before < 30

    # when the run goes on, those that failed are left, and one more fails
    resumed = resume_migration(started_by="test", report=lambda _: None)
    assert (resumed.id, resumed.failed) == (stopped.id, 4)
    found = effects()
    for tenant in tenants[8:12]:
        assert found.pop(tenant.schema_name) == 0
    assert set(found.values()) == {1}
    assert resumed.done == len(found)


def test_a_finished_run_cannot_be_resumed(scratch: Scratch) -> None:
    assert run().state == RunState.SUCCEEDED
    with pytest.raises(NoRun):
        resume_migration(started_by="test", report=lambda _: None)


@pytest.mark.parametrize(
    ("left_at_rest", "state"), [(1, RunState.SUCCEEDED), (2, RunState.SUCCEEDED), (3, RunState.FAILED)]
)
def test_a_locked_table_is_tried_again_at_the_end_of_its_wave(
    scratch: Scratch,
    acme: Organization,
    globex: Organization,
    monkeypatch: pytest.MonkeyPatch,
    left_at_rest: int,
    state: RunState,
) -> None:
    # given a transaction that reads one tenant's table, as a report does
    scratch.write("0901_column", ADD_COLUMN, before="0900_effect")
    locked, leave = threading.Event(), threading.Event()

    def hold() -> None:
        with in_public(), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f'SELECT count(*) FROM "{globex.schema_name}".{TABLE}')
            locked.set()
            leave.wait(120)
        connection.close()

    holder = threading.Thread(target=hold)
    holder.start()
    assert locked.wait(60)

    # when all are migrated, and the table is free at one of the rests before another try, or never
    rests: list[float] = []

    def rest(crew: Crew, tally: Tally, seconds: float) -> bool:
        rests.append(seconds)
        if len(rests) == left_at_rest:
            leave.set()
            holder.join()
        return False

    monkeypatch.setattr(Crew, "_rest", rest)
    done = run(RunOptions(canaries=("acme",), lock_ms=200, lock_rounds=2, most_failures_percent=50))
    leave.set()
    holder.join()

    # then it arrived once the table was free, or was given up and everybody else was served
    assert (done.state, done.failed) == (state, int(state == RunState.FAILED))
    assert rests == [0.5, 1.0][:left_at_rest]
    found = effects()
    assert found.pop(globex.schema_name) == (state == RunState.SUCCEEDED)  # both steps or none
    assert set(found.values()) == {1}
    row = schema_of(globex)
    assert ("locked" in row.migration_error) == (state == RunState.FAILED)
    assert TenantSchema.objects.filter(schema_level=chart().target.level).count() == 8 - done.failed


def test_tenants_do_not_start_while_the_shared_schema_lacks_a_migration(
    scratch: Scratch, acme: Organization
) -> None:
    execute(
        "DELETE FROM public.django_migrations WHERE app = 'tenants' AND name = '0004_run_holder_and_steps'"
    )

    with pytest.raises(CommandError, match=r"tenants\.0004_run_holder_and_steps"):
        call_command("migrate_tenants", "run", "--without-public")

    assert set(effects().values()) == {0}


@pytest.mark.parametrize("told", [RunOptions(slugs=("acme", "nobody")), RunOptions(canaries=("nobody",))])
def test_names_of_nobody_are_refused_before_anything_is_changed(
    scratch: Scratch, acme: Organization, told: RunOptions
) -> None:
    with pytest.raises(OrganizationsUnknown) as refused:
        run(told)
    assert refused.value.facts == {"unknown": ["nobody"]}
    assert set(effects().values()) == {0}
    with pytest.raises(CommandError, match="nobody"):
        call_command("migrate_tenants", "run", "--without-public", "--canary", "nobody")
    with pytest.raises(CommandError, match="10,50,250"):
        call_command("migrate_tenants", "run", "--without-public", "--waves", "ten")
