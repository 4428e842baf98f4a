"""Which web server serves best: two calls of the product under each, and a bare view beside slow clients."""

import contextlib
import selectors
import socket
import statistics
import threading
from collections.abc import Iterator
from typing import Any

from benchmarks.bare.tables import make_tables
from benchmarks.calls import completions, learner_requests, my_courses
from benchmarks.dataset import Size, make_academy
from benchmarks.load import measure
from benchmarks.stack import Stack, Web

NAME = "web_servers"
DESCRIPTION = "granian and gunicorn with 2 workers in turns, and what 100 slow clients do to each"
SLOW_CLIENTS = 100
_GRANIAN = (
    "granian --interface wsgi --http 1 --host $HOST --port $PORT --workers $WEB_CONCURRENCY "
    "--blocking-threads {threads} --backpressure 64 --no-ws --log-level warning {target}"
)
_GUNICORN = (
    "gunicorn --bind $HOST:$PORT --workers $WEB_CONCURRENCY --worker-class {kind} --keep-alive 5 "
    "--log-level warning {target}"
)
_BARE = "benchmarks.bare.wsgi:application"
_PRODUCT = "config.wsgi:application"
VARIANTS = {
    **{f"granian_{n}_threads": _GRANIAN.replace("{threads}", str(n)) for n in (1, 2, 4, 8)},
    "gunicorn_sync": _GUNICORN.replace("{kind}", "sync"),
    "gunicorn_4_threads": _GUNICORN.replace("{kind}", "gthread --threads 4"),
}
BESIDE_SLOW_CLIENTS = ("granian_4_threads", "gunicorn_sync", "gunicorn_4_threads")
_SLOW = {
    "alone": None,
    "slow_headers": b"POST /learners/1 HTTP/1.1\r\nHost: localhost\r\nX-Slow: ",
    "slow_bodies": b"POST /learners/1 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n",
}


def run(
    stack: Stack, *, size: Size | None = None, rounds: int = 3, seconds: int = 4, warm_up: int = 1
) -> dict[str, Any]:
    """Return `<server>.<call>_c<clients>.<figure>`, the median of the rounds, and figures with slow clients.

    Servers take turns in each round, so that a busy machine is unkind to all of them alike.
    """
    size = size or Size()
    academy = make_academy(size)
    found: dict[str, list[Any]] = {}
    acts = len(VARIANTS) * rounds * (seconds + warm_up) * 1_000
    with my_courses(academy) as reads, completions(academy, size, acts) as writes:
        for number in range(rounds):
            for name, command in VARIANTS.items():
                with stack.web(command.replace("{target}", _PRODUCT)) as web:
                    for call, requests, clients in (
                        ("my_courses", reads, 8),
                        ("my_courses", reads, 32),
                        ("lesson_complete", writes, 8),
                    ):
                        figures = measure(stack, web, requests, clients, seconds=seconds, warm_up=warm_up)
                        for key, value in figures.flat(f"{name}.{call}_c{clients}").items():
                            found.setdefault(key, []).append(value)
                    found.setdefault(f"{name}.memory_mb", []).append(round(web.memory_mb()))
                stack.say(f"round {number + 1} {name}")
    medians: dict[str, Any] = {key: statistics.median(values) for key, values in found.items()}
    return medians | _beside_slow_clients(stack, seconds, warm_up)


def _beside_slow_clients(stack: Stack, seconds: int, warm_up: int) -> dict[str, Any]:
    make_tables(stack.environment["DATABASE_URL"])
    environment = {"DJANGO_SETTINGS_MODULE": "benchmarks.bare.settings"}
    figures: dict[str, Any] = {}
    for name in BESIDE_SLOW_CLIENTS:
        command = VARIANTS[name].replace("{target}", _BARE)
        with stack.web(command, environment=environment) as web, learner_requests() as requests:
            for situation, opening in _SLOW.items():
                with _slow_clients(web, opening):
                    found = measure(stack, web, requests, 8, seconds=seconds, warm_up=warm_up)
                stack.say(f"{name} {situation}: {found.rps:.0f} req/s, p99 {found.p99_ms:.1f} ms")
                figures |= found.flat(f"{name}.{situation}")
    return figures


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
