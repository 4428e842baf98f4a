"""A real web server on this worker's test database, for tests of what only threads and sockets show.

    def test_race(committed, acme, live):
        answer = live.call("POST", "/api/v1/seats/claim", host=host_of("acme"), token=token)

It is granian with the product's own WSGI application and connection pool, in a process of its own, so a test
needs the `committed` fixture: what is not committed the server cannot see.
"""

import http.client
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.db import connections

START_SECONDS = 30


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
        threads: requests one worker process handles at once; also the size of its connection pool.
        workers: processes.
        environment: further environment variables of the server.

    Raises:
        RuntimeError: the server did not answer within START_SECONDS; with its output.
    """
    port = _free_port()
    command = [
        str(Path(sys.executable).with_name("granian")),
        *("--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port)),
        *("--workers", str(workers), "--blocking-threads", str(threads), "--backlog", "1024"),
        "config.wsgi:application",
    ]
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            command,
            cwd=settings.BASE_DIR,
            env={**os.environ, **server_environment(), "DB_POOL_MAX": str(threads), **environment},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            _wait_for(port, process, output)
            yield Server(port)
        finally:
            process.terminate()
            try:
                process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


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


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(port: int, process: subprocess.Popen[bytes], output: Any) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if Server(port).call("GET", "/healthz", host="localhost", timeout=2).status == 200:
                return
        except OSError:
            time.sleep(0.05)
    output.seek(0)
    raise RuntimeError(f"the test server did not start:\n{output.read().decode(errors='replace')[-4000:]}")
