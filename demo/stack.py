"""Everything that runs for the product on one machine: servers, web, worker, beat and mail catcher.

The commands are those of the Procfile, so what runs here is what runs elsewhere.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import FrameType
from typing import IO, NoReturn

import psutil

from config.embedded import STACK_LOCK, default_data_dir, ensure_servers, running_servers, stop_servers
from config.embedded_processes import EmbeddedServerError, choose_port, folder_lock, is_alive, stop_processes

_REPOSITORY = Path(__file__).resolve().parents[1]
_PREFERRED_PORTS = {"web": 8000, "mail_http": 8025, "smtp": 1025, "stripe": 8420}
_COLORS = {"web": 36, "worker": 33, "beat": 35, "mail": 32, "stripe": 34}
# Of the local counterpart; anything but a real key.
_STRIPE_KEY, _STRIPE_SECRET = "sk_test_palaestra", "whsec_test"
_START_SECONDS = 60.0
_STOP_SECONDS = 15.0
# A web server told to stop while it starts does not always hear it.
_STOP_SECONDS_UNREADY = 3.0
# Said by Celery's worker once it takes tasks; it has no port to ask.
_WORKER_READY = re.compile(r"\bready\b")


class StackError(RuntimeError):
    """The stack cannot start or a part of it ended; the message names the part and shows the end of its
    log."""


class Stack:
    """Runs inside a `with` block and ends all its processes with it, whatever the reason.

    `prepare` is called once database and cache answer and before web and worker start, with the environment
    for child processes: the place to migrate. `echo` (may be changed at any time) copies the parts' logs to
    the terminal; they are always in `logs/` of the data folder. The embedded servers are stopped at the end
    unless they were running before; with DATABASE_URL and REDIS_URL set, those are used and none is
    started.

    Raises StackError or EmbeddedServerError on entry, with everything stopped again.
    """

    def __init__(
        self,
        data_dir: Path | None = None,
        *,
        prepare: Callable[[Mapping[str, str]], None] | None = None,
        settings_module: str = "config.settings.local",
        extra_env: Mapping[str, str] | None = None,
        echo: bool = False,
    ) -> None:
        self.data_dir = (data_dir or default_data_dir()).expanduser().resolve()
        self.echo = echo
        self.env: dict[str, str] = {}
        self.web_port = self.mail_http_port = self.smtp_port = self.stripe_port = 0
        self._prepare = prepare
        self._settings_module = settings_module
        self._extra_env = dict(extra_env or {})
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._worker_ready = threading.Event()
        self._is_ready = False
        self._exits = contextlib.ExitStack()

    def __enter__(self) -> Stack:
        with contextlib.ExitStack() as started:
            started.enter_context(_signals_as_exceptions())
            urls = self._servers(started)
            started.enter_context(self._only_one())
            self._choose_ports()
            self.env = self._environment(urls)
            if self._prepare is not None:
                self._prepare(self.env)
            started.callback(self._stop_children)
            self._start_children()
            self._wait_until_healthy()
            self._exits = started.pop_all()
        return self

    def __exit__(self, *exception: object) -> None:
        self._exits.close()

    def wait(self) -> None:
        """Block until Ctrl-C or SIGTERM, which raise here. Raises StackError when a part ends by itself."""
        while True:
            self.check()
            time.sleep(0.5)

    def check(self) -> None:
        """Raise StackError when a part has ended."""
        for name, child in self._children.items():
            if child.poll() is not None:
                raise StackError(
                    f"{name} ended with code {child.returncode}. Its log ends with:\n{self._tail(name)}"
                )

    def log_file(self, name: str) -> Path:
        """Where the output of web, worker, beat or mail goes."""
        return self.data_dir / "logs" / f"{name}.log"

    def _servers(self, started: contextlib.ExitStack) -> dict[str, str]:
        if os.environ.get("DATABASE_URL") and os.environ.get("REDIS_URL"):
            self.data_dir.mkdir(parents=True, exist_ok=True)
            return {name: os.environ[name] for name in ("DATABASE_URL", "REDIS_URL")}
        # A note, since a killed stack leaves the servers running for us to stop.
        note = self.data_dir / "run" / "servers-started-by-stack"
        if note.exists() or running_servers(self.data_dir) is None:
            started.callback(note.unlink, missing_ok=True)
            started.callback(stop_servers, self.data_dir)
            servers = ensure_servers(self.data_dir)
            note.parent.mkdir(exist_ok=True)
            note.touch()
        servers = ensure_servers(self.data_dir)
        return {"DATABASE_URL": servers.database_url, "REDIS_URL": servers.redis_url}

    @contextlib.contextmanager
    def _only_one(self) -> Iterator[None]:
        """Hold the folder for this stack, and end what a killed one before it left running."""
        run = self.data_dir / "run"
        run.mkdir(exist_ok=True)
        lock = contextlib.ExitStack()
        try:
            lock.enter_context(folder_lock(self.data_dir / STACK_LOCK, seconds=1))
        except EmbeddedServerError as error:
            raise StackError(
                f"`make demo` is already running on {self.data_dir}; end that one first, with Ctrl-C."
            ) from error
        with lock:
            self._end_leftovers()
            yield

    @property
    def _groups_file(self) -> Path:
        return self.data_dir / "run" / "groups.json"

    def _end_leftovers(self) -> None:
        groups: list[tuple[int, float]] = []
        with contextlib.suppress(FileNotFoundError, ValueError):
            groups = json.loads(self._groups_file.read_text())
        leftovers = [process for group in groups for process in _group_members(*group)]
        stop_processes(leftovers, first=signal.SIGTERM, seconds=5)
        self._groups_file.unlink(missing_ok=True)

    def _choose_ports(self) -> None:
        """The ports of last time where free, so that bookmarks keep working."""
        file = self.data_dir / "ports.json"
        kept: dict[str, int] = {}
        with contextlib.suppress(FileNotFoundError, ValueError):
            kept = json.loads(file.read_text())
        ports: dict[str, int] = {}
        for name, preferred in _PREFERRED_PORTS.items():
            port = choose_port(kept.get(name, preferred))
            ports[name] = choose_port(preferred) if port not in (kept.get(name), preferred) else port
            if ports[name] != kept.get(name, preferred):
                print(f"    port {kept.get(name, preferred)} is in use; {name} takes {ports[name]}")
        file.write_text(json.dumps(ports))
        self.web_port, self.mail_http_port, self.smtp_port = ports["web"], ports["mail_http"], ports["smtp"]
        self.stripe_port = ports["stripe"]

    def _environment(self, urls: Mapping[str, str]) -> dict[str, str]:
        return {
            **os.environ,
            **urls,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
            "PYTHONUNBUFFERED": "1",
            "DJANGO_SETTINGS_MODULE": self._settings_module,
            "PALAESTRA_DATA_DIR": str(self.data_dir),
            "HOST": "127.0.0.1",
            "PORT": str(self.web_port),
            "PUBLIC_URL_PORT": str(self.web_port),
            "EMAIL_HOST": "127.0.0.1",
            "EMAIL_PORT": str(self.smtp_port),
            "BEAT_SCHEDULE": str(self.data_dir / "run" / "beat"),
            "SIGN_UP_PAGE": f"http://localhost:{self.mail_http_port}/sign-up",
            **self._stripe(),
            **self._extra_env,
        }

    @property
    def pays_locally(self) -> bool:
        """Whether payments go to the counterpart on loopback, for want of a key of a real account."""
        return not os.environ.get("STRIPE_API_KEY")

    def _stripe(self) -> dict[str, str]:
        if not self.pays_locally:
            return {}
        return {
            "STRIPE_API_KEY": _STRIPE_KEY,
            "STRIPE_API_BASE": f"http://127.0.0.1:{self.stripe_port}",
            "STRIPE_WEBHOOK_SECRETS": _STRIPE_SECRET,
        }

    def _start_children(self) -> None:
        self.log_file("web").parent.mkdir(exist_ok=True)
        self._start(
            "mail",
            [sys.executable, "-m", "demo.mailcatcher", "--smtp-port", str(self.smtp_port),
             "--http-port", str(self.mail_http_port), "--data-dir", str(self.data_dir / "mail")],
        )  # fmt: skip
        if self.pays_locally:
            # Its messages go to the web server over HTTP, as Stripe's do; by address, since not every machine
            # knows the name.
            self._start(
                "stripe",
                [sys.executable, "-m", "tests.fakes.stripe", "--port", str(self.stripe_port),
                 "--api-key", _STRIPE_KEY, "--webhook-secret", _STRIPE_SECRET,
                 "--webhook", f"http://127.0.0.1:{self.web_port}/api/webhooks/stripe",
                 "--webhook-host", f"{_platform_host()}:{self.web_port}",
                 "--state", str(self.data_dir / "run" / "stripe.pickle")],
            )  # fmt: skip
        for name, command in _procfile().items():
            self._start(name, ["/bin/sh", "-c", f"exec {command}"])

    def _start(self, name: str, command: list[str]) -> None:
        """Each part leads a process group of its own: Ctrl-C reaches only us, and we stop the parts in
        order."""
        launcher = [sys.executable, "-S", "-E", str(_REPOSITORY / "demo" / "launch.py"), str(os.getpid())]
        log = self.log_file(name).open("wb")
        child = subprocess.Popen(
            [*launcher, *command], cwd=_REPOSITORY, env=self.env, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        self._children[name] = child
        groups = [(each.pid, psutil.Process(each.pid).create_time()) for each in self._children.values()]
        self._groups_file.write_text(json.dumps(groups))
        assert child.stdout is not None  # noqa: S101  asked for two lines above
        threading.Thread(target=self._copy_output, args=(name, child.stdout, log), daemon=True).start()

    def _copy_output(self, name: str, output: IO[bytes], log: IO[bytes]) -> None:
        prefix = f"{name:<6} | "
        if sys.stdout.isatty():
            prefix = f"\033[{_COLORS.get(name, 34)}m{prefix}\033[0m"
        with output, log:
            for line in output:
                log.write(line)
                log.flush()
                text = line.decode(errors="replace")
                if name == "worker" and _WORKER_READY.search(text):
                    self._worker_ready.set()
                if self.echo:
                    sys.stdout.write(prefix + text)
                    sys.stdout.flush()

    def _wait_until_healthy(self) -> None:
        waiting: dict[str, Callable[[], bool]] = {
            "mail": lambda: _healthy(self.mail_http_port, "localhost"),
            "web": lambda: _healthy(self.web_port, _platform_host()),
            "worker": self._worker_ready.is_set,
        }
        if self.pays_locally:
            waiting["stripe"] = lambda: _listens(self.stripe_port)
        deadline = time.monotonic() + _START_SECONDS
        while waiting := {name: answers for name, answers in waiting.items() if not answers()}:
            self.check()
            if time.monotonic() > deadline:
                name = next(iter(waiting))
                raise StackError(
                    f"{name} is not ready after {_START_SECONDS:.0f} s. "
                    f"Its log ends with:\n{self._tail(name)}"
                )
            time.sleep(0.1)
        self.check()
        self._is_ready = True

    def _stop_children(self) -> None:
        """Ask all at once, wait, then kill whatever is left of their groups."""
        for child in self._children.values():
            if child.poll() is None:
                child.terminate()
        deadline = time.monotonic() + (_STOP_SECONDS if self._is_ready else _STOP_SECONDS_UNREADY)
        for child in self._children.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(max(0.0, deadline - time.monotonic()))
        for child in self._children.values():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()
        self._children.clear()
        self._groups_file.unlink(missing_ok=True)

    def _tail(self, name: str) -> str:
        with contextlib.suppress(OSError):
            return "\n".join(self.log_file(name).read_text(errors="replace").splitlines()[-20:])
        return "(there is no log)"


def _procfile() -> dict[str, str]:
    lines = (_REPOSITORY / "Procfile").read_text().splitlines()
    return {
        name.strip(): command.strip()
        for name, _, command in (line.partition(":") for line in lines)
        if command
    }


def _group_members(leader: int, started: float) -> list[psutil.Process]:
    """Live processes of the group that a part of ours led, also after the leader itself is gone.

    A number is not used again while its group lives, but it may be after: so members must work in our
    folder and be no older than the part. (Not found by a mark in the environment: programs that set their
    title overwrite it.)"""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, ProcessLookupError, PermissionError):
            if os.getpgid(process.pid) != leader or process.create_time() < started - 1:
                continue
            if process.cwd() == str(_REPOSITORY) and is_alive(process):
                found.append(process)
    return found


def _platform_host() -> str:
    return os.environ.get("PLATFORM_HOST", "app.localhost")


def _listens(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


def _healthy(port: int, host: str) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=3)
    try:
        connection.request("GET", "/healthz", headers={"Host": f"{host}:{port}"})
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


@contextlib.contextmanager
def _signals_as_exceptions() -> Iterator[None]:
    """Let SIGTERM and SIGHUP unwind the `with` blocks as Ctrl-C does; while they unwind, further ones are
    ignored."""

    def unwind(number: int, frame: FrameType | None) -> NoReturn:
        for each in before:
            signal.signal(each, signal.SIG_IGN)
        if number == signal.SIGINT:
            raise KeyboardInterrupt
        raise SystemExit(128 + number)

    before = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    for each in before:
        signal.signal(each, unwind)
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
