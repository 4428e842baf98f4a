"""A small load generator for machines without wrk: two processes of clients that send prepared requests.

    python -m benchmarks.clients REQUESTS_FILE PORT CLIENTS SECONDS POSITION

Prints one line `RESULT {...}` with the same fields as the script for wrk.
"""

import http.client
import json
import math
import multiprocessing
import socket
import sys
import threading
import time
from pathlib import Path
from typing import Any

_PROCESSES = 2


def send_one(port: int, request: bytes) -> tuple[int, bytes]:
    """Send one prepared request on a connection of its own; return status and body."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(request)
        return _answer(connection)


def _answer(connection: socket.socket) -> tuple[int, bytes]:
    response = http.client.HTTPResponse(connection)
    try:
        response.begin()
        return response.status, response.read()
    finally:
        response.close()


class _Client(threading.Thread):
    """One keep-alive connection that takes every `step`-th request from its own start on."""

    def __init__(self, port: int, requests: list[bytes], start: int, step: int, until: float) -> None:
        super().__init__(daemon=True)
        self.latencies: list[float] = []
        self.errors = 0
        self.next = start
        self._port, self._requests, self._step, self._until = port, requests, step, until

    def run(self) -> None:
        while time.monotonic() < self._until:
            try:
                with socket.create_connection(("127.0.0.1", self._port), timeout=20) as connection:
                    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    self._use(connection)
            except (OSError, http.client.HTTPException):
                self.errors += 1

    def _use(self, connection: socket.socket) -> None:
        while (started := time.monotonic()) < self._until:
            request = self._requests[self.next % len(self._requests)]
            self.next += self._step
            connection.sendall(request)
            status, _ = _answer(connection)
            self.latencies.append(time.monotonic() - started)
            self.errors += status >= 400


def _run_share(
    share: int, path: Path, port: int, clients: int, seconds: float, position: int, results: Any
) -> None:
    requests = _read(path)
    mine = range(share, clients, _PROCESSES)
    started = time.monotonic()
    until = started + seconds
    threads = [_Client(port, requests, position + number, clients, until) for number in mine]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    latencies = [latency for thread in threads for latency in thread.latencies]
    last = max((thread.next for thread in threads), default=position)
    errors = sum(thread.errors for thread in threads)
    results.put((latencies, errors, last, time.monotonic() - started))


def _read(path: Path) -> list[bytes]:
    found = []
    with path.open("rb") as file:
        while line := file.readline():
            found.append(file.read(int(line)))
    return found


def main() -> None:
    """Load the server and print the figures."""
    path, (port, clients, seconds, position) = Path(sys.argv[1]), map(int, sys.argv[2:6])
    results: Any = multiprocessing.Queue()
    shares = range(min(_PROCESSES, clients))
    arguments = [(share, path, port, clients, seconds, position, results) for share in shares]
    processes = [multiprocessing.Process(target=_run_share, args=each) for each in arguments]
    for process in processes:
        process.start()
    parts = [results.get() for _ in processes]
    for process in processes:
        process.join()
    latencies = sorted(latency for part in parts for latency in part[0])
    figures = {
        "requests": len(latencies),
        "microseconds": round(max(part[3] for part in parts) * 1e6),
        "p50": _nearest_rank(latencies, 50),
        "p99": _nearest_rank(latencies, 99),
        "errors": sum(part[1] for part in parts),
        "position": max(part[2] for part in parts),
    }
    print(f"RESULT {json.dumps(figures)}")


def _nearest_rank(ordered: list[float], percent: int) -> float:
    """Return a percentile in microseconds."""
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)] * 1e6 if ordered else 0.0


if __name__ == "__main__":
    main()
