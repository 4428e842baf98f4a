"""Real servers and workers on this worker's test database, for what only processes and sockets show.

    def test_race(committed, acme, live):
        answer = live.call("POST", "/api/v1/seats/claim", host=host_of("acme"), token=token)

It is granian with the product's own WSGI application and connection pool, in a process of its own, so a test
needs the `committed` fixture: what is not committed the server cannot see.
"""

import http.client
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.db import connections

from tests.support.processes import end, free_port

START_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """Return the body as JSON, None when it is empty."""
        return json.loads(self.body) if self.body else None


@dataclass(frozen=True, slots=True)
class Server:
    """A running server on a loopback port."""

    port: int

    def call(
        self,
        method: str,
        path: str,
        *,
        host: str,
        token: str | None = None,
        body: object = None,
        headers: dict[str, str] | None = None,
        timeout: float = 60,
    ) -> Answer:
        """Send one request on a connection of its own.

        Args:
            host: the Host header, which chooses the organization.
            body: sent as JSON, unless None.
            timeout: seconds.
        """
        sent = {"Host": host, "Connection": "close", **(headers or {})}
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        payload = None
        if body is not None:
            payload = json.dumps(body).encode()
            sent.setdefault("Content-Type", "application/json")
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, body=payload, headers=sent)
            response = connection.getresponse()
            return Answer(response.status, dict(response.getheaders()), response.read())
        finally:
            connection.close()


@contextmanager
def serving(*, threads: int = 8, workers: int = 1, **environment: str) -> Iterator[Server]:
    """Serve this worker's database until the block ends, whatever happens in it.

    Args:
        threads: requests one worker process handles at once; also the size of its connection pool unless
            `DB_POOL_MAX` says another.
        workers: processes.
        environment: further environment variables of the server.

    Raises:
        RuntimeError: the server did not answer within START_SECONDS; with its output.
    """
    port = free_port()
    command = [
        str(Path(sys.executable).with_name("granian")),
        *("--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port)),
        *("--workers", str(workers), "--blocking-threads", str(threads), "--backlog", "1024"),
        "config.wsgi:application",
    ]
    with _running(command, **{"DB_POOL_MAX": str(threads), **environment}) as (process, output):
        _wait_for(port, process, output)
        yield Server(port)


@contextmanager
def serving_as_deployed(**environment: str) -> Iterator[Server]:
    """Serve with the very command of the Procfile, until the block ends.

    Args:
        environment: further environment variables (`WEB_CONCURRENCY`, `WEB_THREADS`, `DATABASE_URL`).

    Raises:
        RuntimeError: the server did not answer within START_SECONDS; with its output.
    """
    port = free_port()
    command = _deployed("web")
    with _running(command, HOST="127.0.0.1", PORT=str(port), **environment) as (process, output):
        _wait_for(port, process, output)
        yield Server(port)


@contextmanager
def working_as_deployed(application: str, **environment: str) -> Iterator[None]:
    """Run the Procfile's worker of organizations' tasks on this worker's queue, until the block ends.

    Args:
        application: module of the Celery application: `config.celery`, or one that adds tasks to it.
        environment: further environment variables (`WORKER_CONCURRENCY`, `DATABASE_URL`).

    Raises:
        RuntimeError: it was not ready within START_SECONDS; with its output.
    """
    command = _deployed("worker")
    for product, here in (
        ("config.celery", application),
        ("--queues tenants", f"--queues {settings.TENANT_QUEUE}"),
        ("tenants@%h", f"{settings.TENANT_QUEUE}-{os.getpid()}@%h"),
    ):
        assert product in command[2], f"the Procfile's worker has no {product!r} any more"
        command[2] = command[2].replace(product, here)
    with _running(command, **environment) as (process, output):
        _wait_until(lambda: b" ready." in _said(output), process, output, "worker")
        yield


def _deployed(name: str) -> list[str]:
    """Return the command of one line of the Procfile, run by a shell that becomes it."""
    lines = (settings.BASE_DIR / "Procfile").read_text().splitlines()
    line = next(line for line in lines if line.startswith(f"{name}:"))
    return ["sh", "-c", f"exec {line.partition(':')[2].strip()}"]


@contextmanager
def _running(command: list[str], **environment: str) -> Iterator[tuple[subprocess.Popen[bytes], Any]]:
    """Run a process of the product on this worker's database; yield it and the file of its output."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            command,
            cwd=settings.BASE_DIR,
            env={**os.environ, **server_environment(), "PATH": path, **environment},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            yield process, output
        finally:
            end(process)


def server_environment() -> dict[str, str]:
    """Return the environment in which another process works on this worker's database, cache and queue."""
    return {
        "DJANGO_SETTINGS_MODULE": "config.settings.test",
        "DATABASE_URL": database_url(),
        "REDIS_URL": str(settings.CELERY_BROKER_URL),
        "PALAESTRA_TEST_POOLED": "1",
    }


def database_url() -> str:
    """Return the libpq URL of this worker's database."""
    found = connections["default"].settings_dict
    user = quote(found["USER"], safe="")
    password = f":{quote(found['PASSWORD'], safe='')}" if found["PASSWORD"] else ""
    place = f"host={quote(found['HOST'], safe='')}&port={found['PORT']}"
    return f"postgresql://{user}{password}@/{found['NAME']}?{place}"


def _wait_for(port: int, process: subprocess.Popen[bytes], output: Any) -> None:
    def answers() -> bool:
        try:
            return Server(port).call("GET", "/healthz", host="localhost", timeout=10).status == 200
        except OSError:
            return False

    _wait_until(answers, process, output, "server")


def _wait_until(is_up: Callable[[], bool], process: subprocess.Popen[bytes], output: Any, what: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        if is_up():
            return
        time.sleep(0.05)
    said = _said(output).decode(errors="replace")[-4000:]
    raise RuntimeError(f"the test {what} did not start:\n{said}")


def _said(output: Any) -> bytes:
    """Return what a process wrote so far; it goes on writing at the end."""
    return os.pread(output.fileno(), 10_000_000, 0)
