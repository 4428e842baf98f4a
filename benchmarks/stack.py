"""Servers under test: started for one measurement by the Procfile's own command, always stopped."""

import contextlib
import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from config.embedded_layout import find_layout
from config.embedded_processes import choose_port, processes_working_in, stop_processes

_REPOSITORY = Path(__file__).resolve().parents[1]
_START_SECONDS = 60.0
HEALTH_HOST = "app.localhost"


class StackFailed(RuntimeError):
    """A server did not come up; the message ends with its log."""


@dataclass(frozen=True)
class Web:
    """A running web server."""

    port: int
    process: psutil.Process

    def cpu_seconds(self) -> float:
        """Return the processor time of the server with all its workers, user and system, in seconds."""
        return cpu_seconds([self.process, *self.process.children(recursive=True)])

    def memory_mb(self) -> float:
        """Return the resident memory of the server with all its workers, in MiB."""
        processes = [self.process, *self.process.children(recursive=True)]
        return sum(process.memory_info().rss for process in processes) / 2**20


@dataclass(frozen=True)
class Stack:
    """What a benchmark may use: servers on demand, and a way to tell how far it is.

    Attributes:
        environment: of the processes it starts, database and cache included.
        data_dir: of the embedded servers; logs go to `logs/` in it.
    """

    environment: Mapping[str, str]
    data_dir: Path
    workers: int = 2
    _started: float = field(default_factory=time.monotonic)

    def say(self, text: str) -> None:
        """Print a line of progress with the seconds since the start."""
        print(f"  {time.monotonic() - self._started:6.1f} s  {text}", flush=True)

    @contextlib.contextmanager
    def web(
        self,
        command: str | None = None,
        *,
        environment: Mapping[str, str] | None = None,
        health_path: str = "/healthz",
    ) -> Iterator[Web]:
        """Serve until the block ends.

        Args:
            command: shell command that listens on $HOST:$PORT with $WEB_CONCURRENCY workers; the web line of
                the Procfile when None.
            environment: further variables.
            health_path: answers 200 once it serves.

        Raises:
            StackFailed: it does not answer in time.
        """
        port = choose_port()
        variables = {"HOST": "127.0.0.1", "PORT": str(port), "WEB_CONCURRENCY": str(self.workers)}
        with self._running(
            "web", command or procfile("web"), {**variables, **(environment or {})}
        ) as process:
            self._wait_until(lambda: _answers(port, health_path), process, "web")
            time.sleep(0.5)  # the second worker
            yield Web(port, process)

    @contextlib.contextmanager
    def worker(self, command: str | None = None) -> Iterator[psutil.Process]:
        """Run a Celery worker until the block ends: the Procfile's for organizations' tasks, or `command`."""
        with self._running("worker", command or procfile("worker"), {}) as process:
            log = self.data_dir / "logs" / "worker.log"
            self._wait_until(lambda: " ready" in log.read_text(errors="replace"), process, "worker")
            yield process

    def database_cpu_seconds(self) -> float:
        """Return the processor time of all processes of the embedded PostgreSQL so far, in seconds."""
        return cpu_seconds(processes_working_in("postgres", find_layout(self.data_dir).postgres_data))

    @contextlib.contextmanager
    def _running(self, name: str, command: str, extra: Mapping[str, str]) -> Iterator[psutil.Process]:
        log = self.data_dir / "logs" / f"{name}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
        launch = [sys.executable, "-S", "-E", str(_REPOSITORY / "demo" / "launch.py"), str(os.getpid())]
        with log.open("wb") as output:
            child = subprocess.Popen(
                [*launch, "/bin/sh", "-c", f"exec {command}"],
                cwd=_REPOSITORY,
                env={**self.environment, "PATH": path, **extra},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        process = psutil.Process(child.pid)
        try:
            yield process
        finally:
            with contextlib.suppress(psutil.NoSuchProcess):
                family = [process, *process.children(recursive=True)]
                stop_processes([process], first=signal.SIGTERM, seconds=8)
                stop_processes(family[1:], first=signal.SIGKILL, seconds=2)
            child.wait()

    def _wait_until(self, ready: Callable[[], bool], process: psutil.Process, name: str) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while not ready():
            ended = not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
            if ended or time.monotonic() > deadline:
                tail = (self.data_dir / "logs" / f"{name}.log").read_text(errors="replace")[-3000:]
                raise StackFailed(f"{name} did not start. Its log ends with:\n{tail}")
            time.sleep(0.05)


def cpu_seconds(processes: list[psutil.Process]) -> float:
    """Return user and system time of the processes that still run, in seconds."""
    total = 0.0
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            total += times.user + times.system
    return total


def procfile(name: str) -> str:
    """Return the command of one line of the Procfile."""
    for line in (_REPOSITORY / "Procfile").read_text().splitlines():
        found, _, command = line.partition(":")
        if found.strip() == name:
            return command.strip()
    raise StackFailed(f"The Procfile has no line {name!r}.")


def _answers(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=3)
    try:
        connection.request("GET", path, headers={"Host": HEALTH_HOST})
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
