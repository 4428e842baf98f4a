"""Which web server serves best: the same bare view under each, plain and with slow clients around."""

import contextlib
import selectors
import socket
import threading
from collections.abc import Iterator
from typing import Any

from benchmarks.bare.tables import LEARNERS, make_tables
from benchmarks.load import Requests, check, measure, render
from benchmarks.stack import Stack, Web

NAME = "web_servers"
DESCRIPTION = "granian and gunicorn with 2 workers on one view of three queries, also beside 100 slow clients"
SLOW_CLIENTS = 100
_GRANIAN = (
    "granian --interface wsgi --http 1 --host $HOST --port $PORT --workers $WEB_CONCURRENCY "
    "--blocking-threads {threads} --backpressure 64 --no-ws --log-level warning {target}"
)
_GUNICORN = (
    "gunicorn --bind $HOST:$PORT --workers $WEB_CONCURRENCY --worker-class {kind} --keep-alive 5 "
    "--log-level warning {target}"
)
_TARGET = "benchmarks.bare.wsgi:application"
VARIANTS = {
    "granian_1_thread": _GRANIAN.format(threads=1, target=_TARGET),
    "granian_2_threads": _GRANIAN.format(threads=2, target=_TARGET),
    "granian_4_threads": _GRANIAN.format(threads=4, target=_TARGET),
    "granian_8_threads": _GRANIAN.format(threads=8, target=_TARGET),
    "gunicorn_sync": _GUNICORN.format(kind="sync", target=_TARGET),
    "gunicorn_gthread_4": _GUNICORN.format(kind="gthread --threads 4", target=_TARGET),
}
_SLOW_HEADERS = b"POST /learners/1 HTTP/1.1\r\nHost: localhost\r\nX-Slow: "
_SLOW_BODY = b"POST /learners/1 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n"


def run(stack: Stack, *, seconds: int = 8, variants: tuple[str, ...] = tuple(VARIANTS)) -> dict[str, Any]:
    """Return figures for each server: alone, beside clients with slow headers, and with slow bodies."""
    make_tables(stack.environment["DATABASE_URL"])
    figures: dict[str, Any] = {}
    for name in variants:
        environment = {"DJANGO_SETTINGS_MODULE": "benchmarks.bare.settings"}
        with stack.web(VARIANTS[name], environment=environment) as web, learner_requests() as requests:
            check(web, requests)
            for situation, slow in (("c8", None), ("c8_headers", _SLOW_HEADERS), ("c8_bodies", _SLOW_BODY)):
                with _slow_clients(web, slow):
                    found = measure(stack, web, requests, 8, seconds=seconds, warm_up=2)
                stack.say(
                    f"{name:<20} {situation:<10} {found.rps:7.1f} req/s, p50 {found.p50_ms:.1f} ms, "
                    f"p99 {found.p99_ms:.1f} ms, {found.errors} errors"
                )
                figures |= found.flat(f"{name}.{situation}")
            found = measure(stack, web, requests, 32, seconds=seconds, warm_up=1)
            figures |= found.flat(f"{name}.c32") | {f"{name}.memory_mb": round(web.memory_mb())}
            stack.say(f"{name:<20} c32        {found.rps:7.1f} req/s, p99 {found.p99_ms:.1f} ms")
    return figures


def learner_requests() -> Requests:
    """Return a request of each learner of the bare reference."""
    return Requests(
        render("GET", f"/learners/{number}", {"Host": "localhost"}) for number in range(1, LEARNERS + 1)
    )


@contextlib.contextmanager
def _slow_clients(web: Web, opening: bytes | None) -> Iterator[None]:
    """Keep slow clients on the server: each sends the opening, then one byte a second, and starts again when
    the server hangs up."""
    if opening is None:
        yield
        return
    ended = threading.Event()
    thread = threading.Thread(target=_dribble, args=(web.port, opening, ended), daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _dribble(port: int, opening: bytes, ended: threading.Event) -> None:
    with selectors.DefaultSelector() as selector:
        clients: list[socket.socket] = []
        while not ended.is_set():
            while len(clients) < SLOW_CLIENTS:
                with contextlib.suppress(OSError):
                    client = socket.create_connection(("127.0.0.1", port), timeout=1)
                    client.sendall(opening)
                    client.setblocking(False)
                    selector.register(client, selectors.EVENT_READ)
                    clients.append(client)
            for client in list(clients):
                try:
                    client.send(b"x")
                except BlockingIOError:
                    continue
                except OSError:
                    _drop(client, clients, selector)
            for key, _ in selector.select(timeout=0):  # an answer or a hang-up
                _drop(key.fileobj, clients, selector)
            ended.wait(1)
        for client in clients:
            client.close()


def _drop(client: Any, clients: list[socket.socket], selector: selectors.BaseSelector) -> None:
    if client in clients:
        clients.remove(client)
        selector.unregister(client)
        client.close()
