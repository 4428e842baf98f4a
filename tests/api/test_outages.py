"""What callers see while the cache hangs or is gone, after the database dropped every connection, and when
they send more than a process should hold."""

import itertools
import socket
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.db import connection
from django.db.utils import OperationalError
from django.test import override_settings
from psycopg_pool import PoolTimeout

from api.core import throttling
from api.core.errors import problem_handler
from api.core.throttling import CallerThrottle
from shared_apps.core.actors import Role
from tenants.context import in_organization
from tenants.models import Organization
from tenants.selectors.hosts import find_organization
from tenants.services.organizations import host_of
from tests.support.client import Caller

SignIn = Callable[..., Caller]


@pytest.fixture
def hanging_cache(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], int]]:
    """Stand a server in the cache's place that takes connections and never answers; yield how to count the
    connections since one last asked. However slow the requests are, the pause after a failure is not over."""
    monkeypatch.setattr(throttling, "_PAUSE_SECONDS", 600.0)
    with socket.create_server(("127.0.0.1", 0), backlog=50) as server:
        port = server.getsockname()[1]
        server.setblocking(False)
        here = {**settings.CACHES["default"], "LOCATION": f"redis://127.0.0.1:{port}/0"}
        with override_settings(CACHES={"default": here}):
            yield lambda: _taken(server)
    CallerThrottle._paused_until = 0.0


def _taken(server: socket.socket) -> int:
    for number in itertools.count():
        try:
            server.accept()[0].close()
        except BlockingIOError:
            return number
    raise AssertionError("unreachable")


@pytest.fixture
def no_cache() -> Iterator[None]:
    """Point the cache at a port where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    here = {**settings.CACHES["default"], "LOCATION": f"redis://127.0.0.1:{port}/0"}
    with override_settings(CACHES={"default": here}):
        yield
    CallerThrottle._paused_until = 0.0


def test_a_hanging_cache_is_waited_for_by_the_first_request_alone(
    acme: Organization, sign_in: SignIn, hanging_cache: Callable[[], int]
) -> None:
    caller = sign_in(acme, Role.ADMIN)
    with override_settings(HOST_CACHE_CHECK_SECONDS=60.0):
        asked = []
        for _ in range(2):
            assert caller.get("/api/v1/auth/me").status_code == 200
            asked.append(hanging_cache())
    # each connection costs its half a second, once
    options: Any = settings.CACHES["default"]["OPTIONS"]
    assert (options["socket_timeout"], options["socket_connect_timeout"]) == (0.5, 0.5)
    assert asked in ([2, 0], [1, 0])  # for the limits, and for the hosts when they were not just looked at


def test_a_change_of_the_organization_is_answered_and_seen_without_a_cache(
    acme: Organization, sign_in: SignIn, no_cache: None, django_capture_on_commit_callbacks: Any
) -> None:
    caller = sign_in(acme, Role.OWNER)
    with django_capture_on_commit_callbacks(execute=True):
        response = caller.patch("/api/v1/organization", {"name": "Acme under way"})
    assert response.status_code == 200, response.content
    found = find_organization(host_of(acme.slug))
    assert found is not None
    assert found.name == "Acme under way"


def test_a_body_larger_than_any_of_ours_is_not_read_into_memory(
    acme: Organization, anonymous: Callable[[Organization], Caller]
) -> None:
    body = b'{"email": "' + b"a" * settings.DATA_UPLOAD_MAX_MEMORY_SIZE + b'"}'
    response = anonymous(acme).post("/api/v1/auth/sign-in", data=body, content_type="application/json")
    assert (response.status_code, response.json()["code"]) == (413, "too_large")


def test_a_lost_connection_is_503_and_a_fault_of_ours_is_not() -> None:
    lost = OperationalError("gone")
    lost.__cause__ = PoolTimeout("no connection")
    response = problem_handler(lost, {})
    assert response is not None
    assert (response.status_code, response["Retry-After"]) == (503, "2")
    assert response.data["code"] == "unavailable"
    assert problem_handler(RuntimeError("ours"), {}) is None


def test_leaving_a_block_on_a_lost_connection_keeps_the_error_that_was_on_its_way(
    committed: None, acme: Organization
) -> None:
    def fail() -> None:
        with in_organization(acme):
            _end_own_backend()
            raise KeyError("the first error")

    with pytest.raises(KeyError):
        fail()
    connection.close()


def test_a_lost_connection_answers_with_an_operational_error_in_the_next_scope(
    committed: None, acme: Organization
) -> None:
    _end_own_backend()
    with pytest.raises(OperationalError), in_organization(acme), connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    connection.close()
    with in_organization(acme), connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        assert cursor.fetchone() == (acme.schema_name,)


def _end_own_backend() -> None:
    """Have the server close this thread's connection, as a restart does."""
    connection.ensure_connection()
    raw = connection.connection
    with psycopg.connect(raw.info.dsn, password=raw.info.password, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 60000)", [raw.info.backend_pid])
