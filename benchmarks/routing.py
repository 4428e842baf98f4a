"""What tenancy adds to a request: to one that asks the database nothing, and to one that asks eight times.

In one process, without sockets, the same two endpoints are asked through Django's handler in four ways, turn
by turn: plain Django with a fixed search path; our middleware and backend; the same for a pooler in
transaction mode; and django-tenants' own middleware and backend as they come. Each way has a psycopg pool of
one connection. All but the plain one alternate between two tenants.
"""

import io
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from django.core.handlers.wsgi import WSGIHandler
from django.db import connections, transaction
from django.db.backends.postgresql.base import DatabaseWrapper as PlainWrapper
from django.test.utils import override_settings
from django_tenants.postgresql_backend.base import DatabaseWrapper as LibraryWrapper

from benchmarks.many import count_from_environment, make_tenants
from benchmarks.routing_urls import ROWS
from benchmarks.stack import Stack
from tenant_apps.cohorts.models import Cohort
from tenants.context import in_organization
from tenants.models import Organization
from tenants.postgresql.base import DatabaseWrapper as SessionWrapper
from tenants.postgresql.transactional.base import DatabaseWrapper as TransactionWrapper
from tenants.services.organizations import host_of

NAME = "routing"
DESCRIPTION = "What tenancy adds to a request, beside plain Django and the library's own middleware."

_OURS = "tenants.middleware.OrganizationMiddleware"
_LIBRARY = "django_tenants.middleware.main.TenantMainMiddleware"
_PATHS = ("ping", "page")
_BLOCK = 2  # requests of one way before the next way's turn: whatever else the machine does hits all alike
_WINDOW = 200  # requests of one way that are looked at together


@dataclass
class Way:
    """One way of serving, with what it took.

    Attributes:
        hosts: asked in turn.
        took: path -> microseconds of each request.
        messages: path -> messages one request sends to the database.
    """

    wrapper: Any
    handler: WSGIHandler
    hosts: list[str]
    took: dict[str, list[float]] = field(default_factory=lambda: {path: [] for path in _PATHS})
    messages: dict[str, int] = field(default_factory=dict)


def run(stack: Stack) -> dict[str, Any]:
    """Return the figures; `BENCH_ROUTING_REQUESTS` is how often each way serves each path."""
    requests = count_from_environment("BENCH_ROUTING_REQUESTS", 2000)
    organizations = make_tenants(2, stack=stack, prefix="routing")
    for organization in organizations:
        with in_organization(organization):
            Cohort.objects.bulk_create(Cohort(name=f"Cohort {number:02}") for number in range(ROWS))
    usual = connections["default"]
    usual.close()
    with ExitStack() as cleanup:
        cleanup.enter_context(override_settings(ROOT_URLCONF="benchmarks.routing_urls"))
        cleanup.callback(lambda: _use(usual))
        ways = _ways(usual.settings_dict, organizations)
        for way in ways.values():
            cleanup.callback(way.wrapper.close_pool)
        for path in _PATHS:
            _serve(ways, path, max(20, requests // 10))  # warm: pools, caches, plans
            for way in ways.values():
                way.took[path].clear()
                way.messages[path] = _messages(way, path)
            _serve(ways, path, requests)
            stack.say(f"{path}: {requests} requests of each way")
        figures = _figures(ways)
        return figures | _statement_cost(ways, organizations[0], max(50, requests // 4))


def _ways(facts: dict[str, Any], organizations: list[Organization]) -> dict[str, Way]:
    hosts = [host_of(organization.slug) for organization in organizations]

    def wrapper(kind: type[PlainWrapper], alias: str, **more: object) -> Any:
        pool = {"min_size": 1, "max_size": 1, "timeout": 5}
        options = {**facts["OPTIONS"], **more}
        # Pools are kept by alias, so each way has its own.
        return kind({**facts, "OPTIONS": {**options, "pool": pool}, "CONN_MAX_AGE": 0}, alias=alias)

    def way(made: Any, middleware: list[str], asked: list[str]) -> Way:
        with override_settings(MIDDLEWARE=middleware):
            return Way(made, WSGIHandler(), asked)

    path = f"-c search_path={organizations[0].schema_name},public"
    return {
        "plain": way(wrapper(PlainWrapper, "plain", options=path), [], hosts[:1]),
        "ours": way(wrapper(SessionWrapper, "ours"), [_OURS], hosts),
        "transaction": way(wrapper(TransactionWrapper, "transaction"), [_OURS], hosts),
        "library": way(wrapper(LibraryWrapper, "library"), [_LIBRARY], hosts),
    }


def _serve(ways: dict[str, Way], path: str, requests: int) -> None:
    for begin in range(0, requests, _BLOCK):
        for way in ways.values():
            _use(way.wrapper)
            for number in range(begin, min(begin + _BLOCK, requests)):
                host = way.hosts[number % len(way.hosts)]
                started = time.perf_counter()
                _request(way.handler, host, path)
                way.took[path].append((time.perf_counter() - started) * 1e6)


def _use(wrapper: Any) -> None:
    connections["default"] = wrapper


def _request(handler: WSGIHandler, host: str, path: str) -> None:
    status: list[str] = []
    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": f"/{path}",
        "QUERY_STRING": "",
        "SERVER_NAME": host,
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": host,
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": None,
        "wsgi.url_scheme": "http",
    }

    def start(
        line: str, headers: list[tuple[str, str]], error: object = None, /
    ) -> Callable[[bytes], object]:
        status.append(line)
        return bytes

    response = handler(environ, start)
    body = b"".join(response)
    response.close()  # ends the request: connections go back to their pool
    if status != ["200 OK"]:
        raise RuntimeError(f"{host}/{path} answered {status}: {body[:300]!r}")


def _messages(way: Way, path: str) -> int:
    """Return how many messages one request sends to the database, by libpq's own trace of the connection."""
    _use(way.wrapper)
    pool = way.wrapper.pool
    pool.open()
    taken = pool.take() if hasattr(pool, "take") else pool.getconn()
    with tempfile.TemporaryFile() as output:
        taken.pgconn.trace(output.fileno())
        pool.putconn(taken)
        _request(way.handler, way.hosts[0], path)
        taken.pgconn.untrace()
        trace = os.pread(output.fileno(), 10_000_000, 0)
    return sum(b"\tF\t" in line for line in trace.splitlines())


def _figures(ways: dict[str, Way]) -> dict[str, Any]:
    plain = ways["plain"]
    figures: dict[str, Any] = {}
    middle = {name: {path: _middle(took) for path, took in way.took.items()} for name, way in ways.items()}
    ours, bare, library = middle["ours"], middle["plain"], middle["library"]
    figures["ping_added_us"] = round(ours["ping"] - bare["ping"], 1)
    figures["page_added_percent"] = _percent(ours["page"], bare["page"])
    figures["statements_added"] = max(ways["ours"].messages[path] - plain.messages[path] for path in _PATHS)
    figures["transaction_ping_added_us"] = round(middle["transaction"]["ping"] - bare["ping"], 1)
    figures["transaction_page_added_percent"] = _percent(middle["transaction"]["page"], bare["page"])
    figures["transaction_statements_added"] = max(
        ways["transaction"].messages[path] - plain.messages[path] for path in _PATHS
    )
    figures["library_ping_added_us"] = round(library["ping"] - bare["ping"], 1)
    figures["library_page_added_percent"] = _percent(library["page"], bare["page"])
    figures["library_statements_added"] = max(
        ways["library"].messages[path] - plain.messages[path] for path in _PATHS
    )
    for name, way in ways.items():
        for path in _PATHS:
            figures[f"{path}.{name}.us"] = round(middle[name][path], 1)
            figures[f"{path}.{name}.messages"] = way.messages[path]
    return figures


def _middle(took: list[float]) -> float:
    """Return the median over windows of each one's lower decile: what it takes when nothing disturbs."""
    windows = [sorted(took[begin : begin + _WINDOW]) for begin in range(0, len(took), _WINDOW)]
    return statistics.median(window[len(window) // 10] for window in windows)


def _percent(value: float, base: float) -> float:
    return round((value / base - 1) * 100, 2)


def _statement_cost(ways: dict[str, Way], organization: Organization, times: int) -> dict[str, Any]:
    """Return what one statement takes, outside a transaction and as the only one inside, in microseconds."""
    took: dict[str, list[float]] = {}
    for begin in range(0, times, 20):
        for name in ("ours", "transaction"):
            _use(ways[name].wrapper)
            with in_organization(organization):
                for _ in range(begin, begin + 20):
                    took.setdefault(f"select.{name}", []).append(_time(_select))
                    took.setdefault(f"atomic.{name}", []).append(_time(_select_inside))
            ways[name].wrapper.close()
    return {f"{name}.us": round(_middle(values), 1) for name, values in took.items()}


def _select() -> None:
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT name FROM cohorts_cohort WHERE name = %s", ["Cohort 07"])
        cursor.fetchall()


def _select_inside() -> None:
    with transaction.atomic():
        _select()


def _time(work: Callable[[], None]) -> float:
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1e6
