"""What balancers and people at night ask: does it live, can it serve, and what does it say when it can't."""

from typing import Any

import pytest

from tenants.models import Organization
from tenants.services.organizations import host_of
from tests.support.client import PLATFORM_HOST, Caller
from tests.support.server import serving


@pytest.mark.feature("OPS-04")
@pytest.mark.parametrize("host", [PLATFORM_HOST, "acme.palaestra.test", "127.0.0.1", "nobody.example"])
def test_health_answers_at_any_host(host: str, acme: Organization) -> None:
    assert Caller(host).get("/healthz").json() == {"status": "ok"}
    ready = Caller(host).get("/readyz")
    assert (ready.status_code, ready.json()["status"]) == (200, "ready")


def test_without_the_cache_it_is_degraded_and_serves(shared: None, settings: Any) -> None:
    settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": "redis://127.0.0.1:1/0"}}
    answer = Caller(PLATFORM_HOST).get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {"status": "degraded", "checks": {"database": True, "cache": False}}


@pytest.mark.slow
@pytest.mark.feature("OPS-04")
def test_without_the_database_it_says_so_and_when_to_come_back(committed: None, acme: Organization) -> None:
    nowhere = "postgresql://nobody@127.0.0.1:1/none"
    with serving(DATABASE_URL=nowhere, DB_POOL_TIMEOUT_SECONDS="1") as server:
        alive = server.call("GET", "/healthz", host=host_of("acme"))
        ready = server.call("GET", "/readyz", host=host_of("acme"))
        answer = server.call("GET", "/api/v1/profile", host=host_of("acme"))
    assert alive.status == 200
    assert (ready.status, ready.json()["status"]) == (503, "not_ready")
    assert (answer.status, answer.json()["code"]) == (503, "unavailable")
    assert answer.headers["retry-after"] == "2"
    assert answer.headers["content-type"] == "application/problem+json"
