"""Real Celery workers on this test worker's database, cache and queues."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
from celery import current_app
from django.conf import settings

from shared_apps.core.fair_queue import client_of
from tests.support.server import server_environment

START_SECONDS = 60


@contextmanager
def working(
    *,
    slots: int = 2,
    include: str = "tests.support.worker_tasks",
    name: str = "",
    queue: str = "",
    prefetched: int = 1,
    **environment: str,
) -> Iterator[psutil.Process]:
    """Run a worker, for organizations' tasks unless another queue is named, until the block ends.

    Args:
        name: of the worker; one that nobody had when empty.
        slots: tasks at once.
        include: module with further tasks.
        prefetched: tasks that each slot may have waiting besides the one it runs.
        environment: further environment variables.

    Raises:
        RuntimeError: it was not ready within START_SECONDS; with its output.
    """
    command = [
        *(sys.executable, "-m", "celery", "-A", "config.celery", "worker"),
        *(
            "--queues",
            queue or settings.TENANT_QUEUE,
            "--hostname",
            f"{name or time.monotonic_ns()}-{os.getpid()}@test",
        ),
        *("--concurrency", str(slots), "--include", include, "--loglevel", "info"),
        *("--without-gossip", "--without-mingle", "--prefetch-multiplier", str(prefetched)),
    ]
    with tempfile.NamedTemporaryFile() as output:
        child = subprocess.Popen(
            command,
            cwd=settings.BASE_DIR,
            env={**os.environ, **server_environment(), **environment},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        process = psutil.Process(child.pid)
        try:
            deadline = time.monotonic() + START_SECONDS
            while b" ready." not in (text := _read(output.name)):
                if child.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(text.decode(errors="replace")[-4000:])
                time.sleep(0.05)
            yield process
        finally:
            family = process.children(recursive=True) if process.is_running() else []
            child.kill()
            for each in family:
                if each.is_running():
                    each.kill()
            child.wait()
            if os.environ.get("PALAESTRA_SHOW_WORKER"):
                sys.stderr.write(_read(output.name).decode(errors="replace"))


def _read(name: str) -> bytes:
    with open(name, "rb") as file:
        return file.read()


def drop_queues() -> None:
    """Forget what waits in the broker's queues and in the fair queue of this test worker."""
    with current_app.connection_for_write() as connection:
        for name in (settings.TENANT_QUEUE, settings.PLATFORM_QUEUE, settings.WEBHOOK_QUEUE):
            current_app.amqp.queues[name](connection.default_channel).queue_declare()
            current_app.amqp.queues[name](connection.default_channel).purge()
    client = client_of(settings.FAIR_QUEUE_URL)
    keys = list(client.scan_iter(match=f"{settings.FAIR_QUEUE_PREFIX}*", count=1000))
    if keys:
        client.delete(*keys)
