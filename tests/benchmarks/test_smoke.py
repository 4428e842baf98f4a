"""The benchmarks run, at tiny sizes: the harness, the calls it makes, and what it refuses to report."""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import settings

from benchmarks import export, fairness, load, registry, webhooks
from benchmarks.api import CALLS, run
from benchmarks.clients import send_one
from benchmarks.dataset import Size
from benchmarks.load import LoadFailed, Requests, percentile, render
from benchmarks.stack import Stack, procfile
from tests.support.server import server_environment, serving


def test_an_unknown_name_is_refused_with_those_there_are() -> None:
    with pytest.raises(registry.UnknownBenchmark, match="api"):
        registry.chosen(["nothing"])


def test_percentiles_are_of_the_nearest_rank() -> None:
    assert [percentile([4, 1, 3, 2], percent) for percent in (50, 99, 1)] == [2, 4, 1]


def test_acts_that_mean_something_once_are_not_repeated() -> None:
    with Requests([b"one", b"two"], repeatable=False) as requests:
        assert requests.read(1) == b"two"
        requests.use_up_to(2)
        with pytest.raises(LoadFailed):
            requests.use_up_to(3)


def test_the_own_generator_counts_answers_and_errors(committed: None) -> None:
    # given a server, and requests of which every second is for an unknown path
    good = render("GET", "/healthz", {"Host": "app.palaestra.test"})
    bad = render("GET", "/nowhere", {"Host": "app.palaestra.test"})
    with serving(threads=2) as server, Requests([good, bad]) as requests:
        assert send_one(server.port, good)[0] == 200

        # when a client loads it for a second
        command = [
            sys.executable,
            "-m",
            "benchmarks.clients",
            str(requests.path),
            str(server.port),
            "1",
            "1",
            "0",
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=True)

    # then half of the answers are errors, and the place reached is that of the answers
    found = json.loads(done.stdout.removeprefix("RESULT "))
    assert found["requests"] > 1
    assert abs(found["errors"] * 2 - found["requests"]) <= 1
    assert found["position"] >= found["requests"]


@pytest.mark.slow
def test_the_api_benchmark_writes_what_it_counts(
    committed: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given this worker's database as the benchmark's ground
    environment = {**os.environ, **server_environment(), "RATE_LIMIT_CALLER": "100000000"}
    stack = Stack(environment, tmp_path, workers=1)
    monkeypatch.setattr("benchmarks.stack.HEALTH_HOST", "app.palaestra.test")
    monkeypatch.setattr(load, "Stack", SimpleNamespace)
    monkeypatch.setattr(Stack, "database_cpu_seconds", lambda self: 0.0)
    size = Size(courses=6, lessons=60, learners=30, courses_each=2, done_each=1, spare_runs=100)

    # when it runs for a second each
    figures: dict[str, Any] = run(stack, size=size, clients=(2,), seconds=1, warm_up=0, most_acts=3_000)

    # then every call was answered without errors, and each act left its row
    assert {call: figures[f"{call}.c2.errors"] for call in CALLS} == dict.fromkeys(CALLS, 0)
    assert all(figures[f"{call}.c2.rps"] > 0 for call in CALLS)
    for call in ("lesson_complete", "enroll"):
        # wrk counts a request when it prepares it; those in flight at the end may go unanswered.
        assert 0 <= figures[f"{call}.requests"] - figures[f"{call}.rows_written"] <= 4


@pytest.mark.slow
@pytest.mark.feature("OPS-02")
@pytest.mark.feature("M12")
def test_the_fairness_benchmark_measures_others_beside_a_flood(committed: None, tmp_path: Path) -> None:
    environment = {**os.environ, **server_environment(), "WORKER_CONCURRENCY": "2"}
    worker = procfile("worker").replace("--queues tenants", f"--queues {settings.TENANT_QUEUE}")
    figures = fairness.run(
        Stack(environment, tmp_path), flood=400, plain_flood=100, seconds=1.5, rounds=1, worker=worker
    )
    assert figures["flood_tasks"] == 400
    # All of the others' tasks had run, and most of the flood had not.
    assert figures["left_waiting"] > 100
    assert figures["plain_flooded_p95_ms"] > 0


@pytest.mark.slow
@pytest.mark.feature("TEN-08")
def test_the_export_benchmark_streams(
    committed: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BENCH_EXPORT_TENANTS", "2")
    monkeypatch.setenv("BENCH_EXPORT_MB", "64")
    figures = export.run(Stack({**os.environ, **server_environment()}, tmp_path))
    assert figures["big_rows_mb"] > 30
    # Eight times a part would be all of it in memory.
    assert figures["big_export_grown_mb"] < 40
    assert figures["export_ms"] > 0
    assert figures["pg_dump_big_s"] > 0


@pytest.mark.slow
def test_the_webhooks_benchmark_sees_every_effect(
    committed: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmarks.stack.HEALTH_HOST", "app.palaestra.test")
    command = procfile("webhooks").replace("--queues webhooks", f"--queues {settings.WEBHOOK_QUEUE}")
    stack = Stack({**os.environ, **server_environment()}, tmp_path, workers=1)
    figures = webhooks.run(stack, messages=40, effects=5, worker=command)
    assert (figures["webhook.messages"], figures["event_to_effect.messages"]) == (40, 5)
    assert figures["webhook.p95_ms"] > 0
    assert figures["webhook.per_second"] > 0
    assert figures["event_to_effect_p95_ms"] > 0
