"""What one organization's flood does to the delay of others' tasks, in the fair queue and in a plain one."""

import os
import random
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import redis
from celery import current_app
from django.conf import settings

from benchmarks.fair_tasks import DELAYS
from benchmarks.load import LoadFailed, percentile
from benchmarks.many import make_tenants, quiet_log
from benchmarks.stack import Stack, procfile
from shared_apps.core.fair_queue import client_of, fair_queue
from shared_apps.core.jobs import send_now

NAME = "fairness"
DESCRIPTION = "the delay of other organizations' tasks while one has a flood waiting"
FLOOD = int(os.environ.get("BENCH_FAIRNESS_FLOOD", "100000"))
PLAIN_FLOOD = int(os.environ.get("BENCH_FAIRNESS_PLAIN_FLOOD", "3000"))
SECONDS = float(os.environ.get("BENCH_FAIRNESS_SECONDS", "20"))
ROUNDS = int(os.environ.get("BENCH_FAIRNESS_ROUNDS", "2"))
OTHERS = 8
_TASK_SECONDS = 0.010
_A_SECOND = 20
_RANDOM = random.Random(20261)  # the same arrivals in every run


@dataclass(frozen=True, slots=True)
class Ground:
    """The organizations: one that floods, and the others."""

    flood: uuid.UUID
    others: list[uuid.UUID]


Send = Callable[[uuid.UUID, float | None], None]


@quiet_log()
def run(
    stack: Stack,
    *,
    flood: int = FLOOD,
    plain_flood: int = PLAIN_FLOOD,
    seconds: float = SECONDS,
    rounds: int = ROUNDS,
    worker: str | None = None,
) -> dict[str, Any]:
    """Return the figures.

    Others' tasks of 10 ms arrive at random, 20 a second in all. Their delay, from sending to the first line
    of the body, is measured with nothing else waiting and with the flood waiting, in turns, so that noise of
    the machine meets both. The plain queue, Celery as it comes, gets a small flood: it is only to show what
    standing in one line means, and with 100,000 it would take the time of the flood.

    Args:
        flood: tasks of 10 ms of one organization.
        plain_flood: the same in the plain queue.
        seconds: each measurement takes.
        rounds: measurements of each kind.
        worker: command of the worker, the Procfile's when None.
    """
    made = [organization.id for organization in make_tenants(OTHERS + 1, stack=stack, prefix="fair")]
    ground = Ground(made[0], made[1:])
    command = (worker or procfile("worker")).replace(
        " worker ", " worker --include benchmarks.fair_tasks ", 1
    )
    figures: dict[str, Any] = {"flood_tasks": flood, "others_a_second": _A_SECOND}
    with stack.worker(command):
        _wait_until(lambda: client_of(settings.FAIR_QUEUE_URL).hlen(fair_queue().key("slots")) > 0)
        _measure(ground, _send_fair, 2.0)  # warms the workers up
        calm: list[float] = []
        flooded: list[float] = []
        for number in range(rounds):
            calm += _measure(ground, _send_fair, seconds)
            started = time.perf_counter()
            for _ in range(flood):
                _send_fair(ground.flood, None)
            took = time.perf_counter() - started
            stack.say(f"{flood} tasks of one organization sent, {took / flood * 1e6:.0f} us each")
            flooded += _measure(ground, _send_fair, seconds)
            left = fair_queue().forget(ground.flood)
            if not left and flood > 2 * seconds / _TASK_SECONDS:
                raise LoadFailed("the flood was over before the measurement")
            stack.say(
                f"round {number + 1}: others' p95 {percentile(calm, 95) * 1000:.1f} ms calm, "
                f"{percentile(flooded, 95) * 1000:.1f} ms with {left} tasks of another waiting"
            )
        figures |= _figures("others_calm", calm) | _figures("others_flooded", flooded)
        figures["send_us"] = round(took / flood * 1e6)
        figures["left_waiting"] = left
        plain_calm = _measure(ground, _send_plain, min(seconds, 5.0))
        for _ in range(plain_flood):
            _send_plain(ground.flood, None)
        plain = _measure(ground, _send_plain, min(seconds, 5.0))
    figures |= _figures("plain_calm", plain_calm) | _figures("plain_flooded", plain)
    figures["plain_flood_tasks"] = plain_flood
    figures["plain_p95_ratio"] = round(percentile(plain, 95) / percentile(plain_calm, 95), 1)
    figures["others_p95_ratio"] = round(percentile(flooded, 95) / percentile(calm, 95), 3)
    return figures


def _figures(name: str, delays: list[float]) -> dict[str, float]:
    return {f"{name}_p{part}_ms": round(percentile(delays, part) * 1000, 2) for part in (50, 95, 99)}


def _send_fair(organization_id: uuid.UUID, sent_at: float | None) -> None:
    send_now("bench.work", organization_id=organization_id, seconds=_TASK_SECONDS, sent_at=sent_at)


def _send_plain(organization_id: uuid.UUID, sent_at: float | None) -> None:
    kwargs = {"seconds": _TASK_SECONDS, "sent_at": sent_at, "organization_id": str(organization_id)}
    current_app.send_task("bench.work", kwargs=kwargs, queue=settings.TENANT_QUEUE)


def _measure(ground: Ground, send: Send, seconds: float) -> list[float]:
    """Send others' tasks for a while and return their delays in seconds, once all have run."""
    client: redis.Redis = client_of(settings.FAIR_QUEUE_URL)
    client.delete(DELAYS)
    ends = time.monotonic() + seconds
    sent = 0
    while time.monotonic() < ends:
        time.sleep(_RANDOM.expovariate(_A_SECOND))
        send(_RANDOM.choice(ground.others), time.time())
        sent += 1
    _wait_until(lambda: client.llen(DELAYS) == sent)
    found: Any = client.lrange(DELAYS, 0, -1)
    return [float(text) for text in found]


def _wait_until(ready: Callable[[], bool], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            raise LoadFailed("the tasks did not run")
        time.sleep(0.05)
