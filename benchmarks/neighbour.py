"""What a live tenant feels while others are created and migrated beside it.

The others' work is a process of its own (benchmarks/others_at_work.py), as in production; it says when it
begins and ends, so that its start is not measured.
"""

import http.client
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from typing import Any

from benchmarks.calls import course_tree, my_courses
from benchmarks.dataset import Size, make_academy
from benchmarks.load import percentile
from benchmarks.many import count_from_environment, make_tenants
from benchmarks.others_at_work import BEGIN, END
from benchmarks.stack import Stack

NAME = "neighbour"
DESCRIPTION = "p99 of a live tenant's requests while 100 others are created and 1,000 migrated, against idle"
# One request at a time, so many a second: a tenant at work, not a load that fills the machine by itself.
_REQUESTS_EACH_SECOND = 50


def run(
    stack: Stack,
    *,
    tenants: int | None = None,
    created: int | None = None,
    rounds: int | None = None,
    idle_seconds: float = 15,
) -> dict[str, Any]:
    """Return the figures; times in milliseconds.

    Args:
        tenants: present, and migrated in each round.
        created: schemas that are built meanwhile, by one builder.
        rounds: migrations of all tenants, one column each, one worker: one would be over too soon to have a
            99th percentile.
        idle_seconds: measured before and after.
    """
    tenants = tenants or count_from_environment("BENCH_TENANTS", 1000)
    created = created or count_from_environment("BENCH_CREATED", 100)
    rounds = rounds or count_from_environment("BENCH_ROUNDS", 5)
    academy = make_academy(
        Size(courses=6, lessons=60, learners=30, courses_each=2, done_each=1, spare_runs=10)
    )
    make_tenants(tenants, stack=stack)
    stack.say(f"{tenants} tenants are there")
    with stack.web() as web, my_courses(academy) as first, course_tree(academy) as second:
        requests = [source.read(place) for place in range(30) for source in (first, second)]
        with _Visitor(web.port, requests) as visitor:
            time.sleep(3)  # warm
            idle = visitor.during(lambda: time.sleep(idle_seconds))
            creating = visitor.during_work(stack.environment, "create", created)
            stack.say(f"{created} created")
            migrating = visitor.during_work(stack.environment, "migrate", rounds)
            stack.say(f"{tenants} migrated {rounds} times")
            idle += visitor.during(lambda: time.sleep(idle_seconds))
        errors = visitor.errors
    return _figures(idle, creating, migrating) | {
        "errors": errors,
        "tenants": tenants,
        "created": created,
        "rounds": rounds,
    }


def _figures(idle: Sequence[float], creating: Sequence[float], migrating: Sequence[float]) -> dict[str, Any]:
    at_rest = percentile(idle, 99)
    figures: dict[str, Any] = {"p99_ratio": round(percentile([*creating, *migrating], 99) / at_rest, 2)}
    for name, samples in (("idle", idle), ("creating", creating), ("migrating", migrating)):
        figures |= {
            f"{name}_p50_ms": round(percentile(samples, 50), 2),
            f"{name}_p99_ms": round(percentile(samples, 99), 2),
            f"{name}_most_ms": round(max(samples), 2),
            f"{name}_requests": len(samples),
        }
    figures["p99_ratio_creating"] = round(percentile(creating, 99) / at_rest, 2)
    figures["p99_ratio_migrating"] = round(percentile(migrating, 99) / at_rest, 2)
    return figures


class _Visitor(threading.Thread):
    """A tenant's people: one request after the other on a kept connection, at an even pace."""

    def __init__(self, port: int, requests: list[bytes]) -> None:
        super().__init__(daemon=True)
        self._port, self._requests = port, requests
        self._samples: list[tuple[float, float]] = []
        self._end = threading.Event()
        self.errors = 0

    def __enter__(self) -> "_Visitor":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self.join()

    def run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        place = 0
        due = time.monotonic()
        while not self._end.is_set():
            method, path, headers = _parsed(self._requests[place % len(self._requests)])
            place += 1
            started = time.monotonic()
            connection.request(method, path, headers=headers)
            answer = connection.getresponse()
            answer.read()
            self._samples.append((started, (time.monotonic() - started) * 1000))
            self.errors += answer.status != 200
            due = max(due + 1 / _REQUESTS_EACH_SECOND, started)
            time.sleep(max(0.0, due - time.monotonic()))
        connection.close()

    def during(self, work: Any) -> list[float]:
        """Return the milliseconds of each request that began while `work` ran."""
        begin = time.monotonic()
        work()
        return self._between(begin, time.monotonic())

    def during_work(self, environment: Any, *arguments: object) -> list[float]:
        """Return those of the time in which another process did its work."""
        command = [sys.executable, "-m", "benchmarks.others_at_work", *map(str, arguments)]
        times = {}
        with subprocess.Popen(command, env=dict(environment), stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None  # noqa: S101  it is a pipe
            for line in process.stdout:
                times[line.strip()] = time.monotonic()
        if process.returncode or times.keys() < {BEGIN, END}:
            raise RuntimeError(f"{arguments} failed")
        return self._between(times[BEGIN], times[END])

    def _between(self, begin: float, end: float) -> list[float]:
        return [took for started, took in list(self._samples) if begin <= started < end]


def _parsed(request: bytes) -> tuple[str, str, dict[str, str]]:
    first, *lines = request.split(b"\r\n\r\n", 1)[0].decode().split("\r\n")
    method, path, _ = first.split(" ")
    return method, path, dict(line.split(": ", 1) for line in lines)
