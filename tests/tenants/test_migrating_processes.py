"""Real processes: killed in the middle, two at once, stopped and resumed. Nothing twice, nothing left out."""

import json
import os
import signal
import subprocess
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from benchmarks.many import make_tenants
from tenants.enums import RunState
from tenants.models import MigrationRun, TenantSchema
from tenants.services.migrating.chart import chart
from tests.support.processes import wait_for
from tests.tenants.migrating_ground import Scratch, effects, execute, value

TENANTS = 40


# Lets so many tenants arrive as `open_for` says: a process is met in the middle, however fast or slow it is.
GATED = """
DO $gate$ BEGIN
  WHILE (SELECT count(*) FROM public.tenants_tenantschema WHERE schema_level =
          (SELECT schema_level FROM public.tenants_tenantschema WHERE schema_name = current_schema()))
        > (SELECT most FROM public.scratch_gate)
  LOOP PERFORM pg_sleep(0.02); END LOOP;
END $gate$;
INSERT INTO rosters_effect VALUES (2)
"""


pytestmark = pytest.mark.slow


@pytest.fixture
def scratch(scratch_with_effect: Scratch) -> Scratch:
    gated = f"migrations.RunSQL({GATED!r}, migrations.RunSQL.noop)"
    scratch_with_effect.write("0901_gated", gated, before="0900_effect")
    make_tenants(TENANTS)
    execute(f"CREATE TABLE public.scratch_gate AS SELECT {TENANTS + 8} AS most")
    return scratch_with_effect


def open_for(tenants: int) -> None:
    """Let so many tenants arrive, and the few that are through the gate at the same moment."""
    execute("UPDATE public.scratch_gate SET most = %s", tenants)


def connected() -> Any:
    """Return how many sessions this database has."""
    return value("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")


def arrived() -> int:
    return TenantSchema.objects.filter(schema_level=chart().target.level).count()


def wait_for_arrivals(number: int, process: "subprocess.Popen[str]") -> None:
    wait_for(lambda: arrived() >= number or process.poll() is not None)
    assert arrived() >= number, process.communicate()


def everything_happened_once() -> bool:
    found = effects()
    rows = TenantSchema.objects.filter(state__in=("ready", "claimed"))
    noted = [
        value(f"SELECT count(*) FROM \"{row.schema_name}\".django_migrations WHERE name LIKE '090%%'")
        for row in rows
    ]
    return (
        len(found) == TENANTS + 8
        and set(found.values()) == {2}
        and set(noted) == {2}
        and set(rows.values_list("schema_level", flat=True)) == {chart().target.level}
    )


@pytest.mark.feature("M06")
def test_killed_anywhere_and_run_again_nothing_is_twice_and_nothing_left_out(scratch: Scratch) -> None:
    # given a migrator killed three times in the middle of its waves
    for number in (6, 18, 33):
        open_for(number)
        process = scratch.start("run", "--without-public", "--waves", "5,20", "--wait", "--lost-after", "1.5")
        wait_for_arrivals(number, process)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate(timeout=60)
    assert arrived() < TENANTS + 8
    assert MigrationRun.objects.get().state == RunState.RUNNING

    # when it is run again
    open_for(TENANTS + 8)
    status, said = scratch.call("run", "--without-public", "--wait", "--lost-after", "1.5")

    # then the one run, taken over each time, is finished
    assert status == 0, said
    run = MigrationRun.objects.get()
    assert (run.state, run.done, run.failed, run.total) == (RunState.SUCCEEDED, TENANTS + 8, 0, TENANTS + 8)
    assert everything_happened_once()


def test_of_two_at_once_one_works_and_the_other_says_so(scratch: Scratch) -> None:
    open_for(2)
    first = scratch.start("run", "--without-public")
    wait_for_arrivals(2, first)

    with pytest.raises(CommandError, match=r"A migration run is going on\."):
        call_command("migrate_tenants", "run", "--without-public")
    before = connected()
    second = scratch.start("run", "--without-public", "--wait")
    wait_for(lambda: connected() > before or second.poll() is not None)
    open_for(TENANTS + 8)
    said = [*first.communicate(timeout=60), *second.communicate(timeout=60)]

    assert (first.returncode, second.returncode) == (0, 0), said
    assert "Nothing to do" in said[2]
    assert everything_happened_once()


def test_two_that_never_hear_of_each_other_still_do_nothing_twice(scratch: Scratch) -> None:
    # given a migrator that is made to sleep, so that a second one thinks it dead and takes over
    open_for(4)
    first = scratch.start("run", "--without-public", "--workers", "3")
    wait_for_arrivals(4, first)
    os.kill(first.pid, signal.SIGSTOP)
    second = scratch.start("run", "--without-public", "--workers", "3", "--wait", "--lost-after", "1")
    open_for(12)
    wait_for_arrivals(12, second)

    # when the first wakes up and works besides
    os.kill(first.pid, signal.SIGCONT)
    open_for(30)
    wait_for_arrivals(30, second)
    open_for(TENANTS + 8)
    _, first_errors = first.communicate(timeout=60)
    out, errors = second.communicate(timeout=60)

    # then it finds that it was replaced, and nothing was done twice
    assert second.returncode == 0, out + errors
    assert first.returncode == 1
    assert "taken over" in first_errors
    assert everything_happened_once()


def test_stopped_it_finishes_what_is_in_hand_and_resumed_it_does_the_rest(
    scratch: Scratch, capsys: pytest.CaptureFixture[str]
) -> None:
    open_for(8)
    process = scratch.start("run", "--without-public", "--waves", "5,20")
    wait_for_arrivals(8, process)

    call_command("migrate_tenants", "stop")
    open_for(TENANTS + 8)
    _, errors = process.communicate(timeout=60)

    assert "stops after the tenants in hand" in capsys.readouterr().out
    assert process.returncode == 1
    assert "Stopped in wave" in errors
    stopped = arrived()
    assert 8 <= stopped < TENANTS + 8
    shown = json.loads(scratch.call("status", "--json")[1])
    assert (shown["run"]["state"], shown["up_to_date"], shown["behind"]) == (
        "stopped",
        stopped,
        TENANTS + 8 - stopped,
    )

    status, said = scratch.call("resume")
    assert status == 0, said
    assert MigrationRun.objects.get().state == RunState.SUCCEEDED
    assert everything_happened_once()


def test_the_plan_says_what_a_run_would_do_and_does_nothing(scratch: Scratch) -> None:
    status, said = scratch.call("plan", "--sql", "--waves", "10", "--canaries", "1")

    assert status == 0, said
    assert f"{TENANTS + 8} schemas from level {chart().target.level - 2} to {chart().target.level}:" in said
    assert "rosters.0900_effect  [sql]" in said
    assert "CREATE TABLE rosters_effect" in said
    assert "canaries: 1 (" in said
    assert f"wave 2: {TENANTS + 8 - 11}" in said
    assert arrived() == 0
    assert set(effects().values()) == {0}
