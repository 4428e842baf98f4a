"""Ordered deaths of workers at marked points, told through the tests' Valkey."""

import os
import signal

from django.conf import settings

from shared_apps.core.fair_queue import client_of

# In the order a message passes them. After the insert the web process dies, no worker.
POINTS = ("before fetch", "after fetch", "before commit", "after commit", "before ack")
# The action under which each worked-off message leaves its one line.
EFFECT = "test.effect"
_KEY = f"{settings.FAIR_QUEUE_PREFIX}inbox-deaths:"


def order_death(point: str) -> None:
    """Have the next worker process that comes to this point die there."""
    client_of(settings.FAIR_QUEUE_URL).set(f"{_KEY}{point}", 1)


def count_deaths() -> int:
    """Return how many have died as ordered."""
    return int(client_of(settings.FAIR_QUEUE_URL).get(f"{_KEY}count") or 0)


def forget_deaths() -> None:
    """Begin anew."""
    client = client_of(settings.FAIR_QUEUE_URL)
    client.delete(f"{_KEY}count", *(f"{_KEY}{point}" for point in POINTS))


def pass_point(point: str) -> None:
    """Die here if that was ordered, as `kill -9` ends a process: nothing is cleaned up."""
    client = client_of(settings.FAIR_QUEUE_URL)
    if client.getdel(f"{_KEY}{point}"):
        client.incr(f"{_KEY}count")
        os.kill(os.getpid(), signal.SIGKILL)
