"""Real processes: killed in the middle, two at once, stopped and resumed. Nothing twice, nothing left out."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from benchmarks.many import make_tenants
from tenants.enums import RunState
from tenants.models import MigrationRun, TenantSchema
from tenants.services.migrating.chart import chart
from tests.tenants.migrating_ground import ADD_EFFECT, Scratch, effects, last_of, make_scratch, value

TENANTS = 40


def slow(seconds: float) -> str:
    """Return a migration that takes each tenant so long that a process is met in the middle."""
    insert = f"INSERT INTO rosters_effect SELECT 2 FROM pg_sleep({seconds})"
    return f"migrations.RunSQL({insert!r}, migrations.RunSQL.noop)"


pytestmark = pytest.mark.slow


@pytest.fixture
def scratch(committed: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Any) -> Any:
    made = make_scratch(tmp_path, monkeypatch, settings)
    made.write("0900_effect", ADD_EFFECT, before=last_of(made))
    made.write("0901_slow", slow(0.05), before="0900_effect")
    make_tenants(TENANTS)
    yield made
    chart.cache_clear()


def arrived() -> int:
    return TenantSchema.objects.filter(schema_level=chart().target.level).count()


def wait_for(number: int, process: "subprocess.Popen[str]") -> None:
    deadline = time.monotonic() + 60
    while arrived() < number and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.02)
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
        process = scratch.start("run", "--without-public", "--waves", "5,20", "--wait", "--lost-after", "1.5")
        wait_for(number, process)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate(timeout=10)
    assert arrived() < TENANTS + 8
    assert MigrationRun.objects.get().state == RunState.RUNNING

    # when it is run again
    status, said = scratch.call("run", "--without-public", "--wait", "--lost-after", "1.5")

    # then the one run, taken over each time, is finished
    assert status == 0, said
    run = MigrationRun.objects.get()
    assert (run.state, run.done, run.failed, run.total) == (RunState.SUCCEEDED, TENANTS + 8, 0, TENANTS + 8)
    assert everything_happened_once()


def test_of_two_at_once_one_works_and_the_other_says_so(scratch: Scratch) -> None:
    scratch.write("0901_slow", slow(0.4), before="0900_effect")
    first = scratch.start("run", "--without-public")
    wait_for(2, first)

    with pytest.raises(CommandError, match=r"A migration run is going on\."):
        call_command("migrate_tenants", "run", "--without-public")
    waited, waited_said = scratch.call("run", "--without-public", "--wait")
    out, errors = first.communicate(timeout=60)

    assert (waited, first.returncode) == (0, 0), waited_said + out + errors
    assert "Nothing to do" in waited_said
    assert everything_happened_once()


def test_two_that_never_hear_of_each_other_still_do_nothing_twice(scratch: Scratch) -> None:
    # given a migrator that is made to sleep, so that a second one thinks it dead and takes over
    first = scratch.start("run", "--without-public", "--workers", "3")
    wait_for(4, first)
    os.kill(first.pid, signal.SIGSTOP)
    second = scratch.start("run", "--without-public", "--workers", "3", "--wait", "--lost-after", "1")
    wait_for(12, second)

    # when the first wakes up and works besides
    os.kill(first.pid, signal.SIGCONT)
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
    scratch.write("0901_slow", slow(0.4), before="0900_effect")
    process = scratch.start("run", "--without-public", "--waves", "5,20")
    wait_for(8, process)

    call_command("migrate_tenants", "stop")  # from here: a process of its own may start too late
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
