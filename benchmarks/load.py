"""Loads a server over keep-alive connections with prepared requests: by wrk where it is, else by our own."""

import json
import math
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from benchmarks.clients import send_one
from benchmarks.stack import Stack, Web

WARM_UP_SECONDS = 2
SECONDS = 10
CLIENTS = (1, 8, 32)

# One thread: a second core belongs to the server. `request` takes the next of the list at each call.
_SCRIPT = """
local requests, position = {}, %(position)d
function setup(thread) threads = threads or {}; table.insert(threads, thread) end
function init(args)
  local file = assert(io.open("%(path)s", "rb"))
  while true do
    local length = file:read("*l")
    if not length then break end
    requests[#requests + 1] = file:read(tonumber(length))
  end
  file:close()
end
function request()
  local found = requests[position %% #requests + 1]
  position = position + 1
  used = position
  return found
end
function done(summary, latency, all)
  local errors = summary.errors
  local shape = '"requests":%%d,"microseconds":%%d,"p50":%%f,"p99":%%f,"errors":%%d,"position":%%d'
  io.write(string.format('RESULT {' .. shape .. '}\\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    errors.connect + errors.read + errors.write + errors.timeout + errors.status, threads[1]:get("used")))
end
"""


class LoadFailed(RuntimeError):
    """The load could not be made, so there are no figures."""


@dataclass(frozen=True)
class Figures:
    """What one load showed. Times in milliseconds; `cpu_ms` is the web processes' time for each request."""

    rps: float
    p50_ms: float
    p99_ms: float
    errors: int
    cpu_ms: float
    database_cpu_ms: float

    def flat(self, prefix: str) -> dict[str, Any]:
        """Return the figures under keys that begin with `prefix` and a dot."""
        return {
            f"{prefix}.rps": round(self.rps, 1),
            f"{prefix}.p50_ms": round(self.p50_ms, 2),
            f"{prefix}.p99_ms": round(self.p99_ms, 2),
            f"{prefix}.cpu_ms": round(self.cpu_ms, 2),
            f"{prefix}.database_cpu_ms": round(self.database_cpu_ms, 2),
            f"{prefix}.errors": self.errors,
        }


def render(method: str, path: str, headers: dict[str, str], body: object = None) -> bytes:
    """Return one HTTP/1.1 request as bytes; a body is sent as JSON."""
    payload = b"" if body is None else json.dumps(body).encode()
    sent = dict(headers)
    if body is not None:
        sent |= {"Content-Type": "application/json", "Content-Length": str(len(payload))}
    elif method not in {"GET", "HEAD"}:
        sent["Content-Length"] = "0"
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in sent.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + payload


def tool() -> str:
    """Return the name of the load generator that will be used."""
    return "wrk" if shutil.which("wrk") else "own generator (install wrk for less noise)"


class Requests:
    """Prepared requests in a file, with the place up to which they were used.

    `repeatable=False` are acts that mean something once (completing a lesson): running out of them is a
    failure, since repeats would be measured instead.
    """

    def __init__(self, rendered: Iterable[bytes], *, repeatable: bool = True) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="palaestra-bench-")
        self.path = Path(self._folder.name) / "requests"
        self.repeatable = repeatable
        self.position = self.count = 0
        self.first = b""
        with self.path.open("wb") as file:
            for one in rendered:
                file.write(b"%d\n" % len(one) + one)
                self.first = self.first or one
                self.count += 1

    def __enter__(self) -> "Requests":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._folder.cleanup()

    def read(self, index: int) -> bytes:
        """Return one request by its place."""
        with self.path.open("rb") as file:
            for _ in range(index % self.count):
                file.seek(int(file.readline()), 1)
            return file.read(int(file.readline()))

    def use_up_to(self, position: int) -> None:
        """Remember how many were used.

        Raises:
            LoadFailed: more than there are, and they may not be repeated.
        """
        self.position = position
        if not self.repeatable and position > self.count:
            raise LoadFailed(f"{self.count} prepared requests were too few, {position} were sent")


def check(web: Web, requests: Requests) -> int:
    """Send one request and return the size of the answer's body in bytes.

    Raises:
        LoadFailed: the answer is no success; with the answer.
    """
    status, body = send_one(web.port, requests.read(requests.position))
    requests.use_up_to(requests.position + 1)
    if not 200 <= status < 300:
        raise LoadFailed(f"status {status}: {body[:500].decode(errors='replace')}")
    return len(body)


def measure(
    stack: Stack,
    web: Web,
    requests: Requests,
    clients: int,
    *,
    seconds: int = SECONDS,
    warm_up: int = WARM_UP_SECONDS,
) -> Figures:
    """Load the server and return its figures.

    Args:
        clients: connections that each send the next request when the answer has come.
        seconds: of measuring.
        warm_up: seconds of the same load before, which are not counted.
    """
    if warm_up:
        _load(web, requests, clients, warm_up)
    web_before, database_before = web.cpu_seconds(), stack.database_cpu_seconds()
    found = _load(web, requests, clients, seconds)
    answered = max(1, found["requests"])
    return Figures(
        rps=found["requests"] / (found["microseconds"] / 1e6),
        p50_ms=found["p50"] / 1000,
        p99_ms=found["p99"] / 1000,
        errors=found["errors"],
        cpu_ms=(web.cpu_seconds() - web_before) * 1000 / answered,
        database_cpu_ms=(stack.database_cpu_seconds() - database_before) * 1000 / answered,
    )


def measure_all(
    stack: Stack,
    web: Web,
    name: str,
    requests: Requests,
    *,
    clients: Sequence[int] = CLIENTS,
    seconds: int = SECONDS,
    warm_up: int = WARM_UP_SECONDS,
) -> dict[str, Any]:
    """Measure one kind of request with each number of clients; return flat keys `name.c8.rps`."""
    size = check(web, requests)
    figures: dict[str, Any] = {f"{name}.bytes": size}
    for number in clients:
        found = measure(stack, web, requests, number, seconds=seconds, warm_up=warm_up)
        stack.say(
            f"{name:<16} {number:>2} clients: {found.rps:7.1f} req/s, p50 {found.p50_ms:6.2f} ms, "
            f"p99 {found.p99_ms:6.2f} ms, {found.cpu_ms:.2f} ms CPU, {found.errors} errors"
        )
        figures |= found.flat(f"{name}.c{number}")
    return figures


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the nearest-rank percentile of the values."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def _load(web: Web, requests: Requests, clients: int, seconds: int) -> dict[str, Any]:
    if shutil.which("wrk"):
        script = requests.path.with_suffix(".lua")
        script.write_text(_SCRIPT % {"position": requests.position, "path": requests.path})
        command = ["wrk", "-t1", f"-c{clients}", f"-d{seconds}s", "--timeout", "20s", "-s", str(script)]
        command.append(f"http://127.0.0.1:{web.port}/")
    else:
        command = [sys.executable, "-m", "benchmarks.clients", str(requests.path), str(web.port)]
        command += [str(clients), str(seconds), str(requests.position)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    line = next((line for line in done.stdout.splitlines() if line.startswith("RESULT ")), None)
    if line is None:
        raise LoadFailed(f"{command[0]}: {done.stdout[-500:]}{done.stderr[-1000:]}")
    found: dict[str, Any] = json.loads(line.removeprefix("RESULT "))
    requests.use_up_to(int(found["position"]))
    return found
