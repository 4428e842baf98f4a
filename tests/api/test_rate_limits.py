"""Budgets per caller and per organization, with headers that tell where one stands."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from api.core.throttling import CallerThrottle
from shared_apps.core import clock
from shared_apps.core.actors import Role
from shared_apps.core.clock import frozen_at
from tenants.models import Organization
from tests.support.client import Caller


@pytest.fixture(autouse=True)
def _inside_one_window(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Stand at the fifth second of the minute, so that no window ends within a test; forget pauses."""
    monkeypatch.setattr(CallerThrottle, "_paused_until", 0.0)
    with frozen_at(clock.now().replace(second=5, microsecond=0)):
        yield


def _limits(settings: Any, **limits: int) -> None:
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, **limits}


@pytest.mark.feature("API-04")
def test_a_caller_past_the_budget_hears_429_and_when_to_come_back(
    acme: Organization, sign_in: Callable[..., Caller], settings: Any
) -> None:
    _limits(settings, caller=3)
    loud, quiet = sign_in(acme, Role.LEARNER), sign_in(acme, Role.LEARNER)
    left = [loud.get("/api/v1/profile")["RateLimit-Remaining"] for _ in range(3)]
    refused = loud.get("/api/v1/profile")
    assert left == ["2", "1", "0"]
    assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
    assert 1 <= int(refused["Retry-After"]) <= 60
    assert refused["RateLimit-Limit"] == "3"
    assert quiet.get("/api/v1/profile").status_code == 200


@pytest.mark.feature("API-04")
def test_an_organization_past_its_budget_does_not_slow_another(
    acme: Organization, globex: Organization, sign_in: Callable[..., Caller], settings: Any
) -> None:
    _limits(settings, organization=4)
    answers = [sign_in(acme, Role.LEARNER).get("/api/v1/profile").status_code for _ in range(6)]
    assert answers == [200, 200, 200, 200, 429, 429]
    assert sign_in(globex, Role.LEARNER).get("/api/v1/profile").status_code == 200


@pytest.mark.feature("API-04")
def test_strangers_share_the_budget_of_their_address(
    acme: Organization, anonymous: Callable[[Organization], Caller], settings: Any
) -> None:
    _limits(settings, anonymous=2)
    statuses = [anonymous(acme).get("/api/v1/auth/csrf").status_code for _ in range(3)]
    assert statuses == [200, 200, 429]


def test_without_the_cache_requests_pass(
    acme: Organization, sign_in: Callable[..., Caller], settings: Any
) -> None:
    """Limits protect speed, never correctness: a cache that is away must not close the house."""
    _limits(settings, caller=1)
    caller = sign_in(acme, Role.LEARNER)
    caller.get("/api/v1/profile")
    assert caller.get("/api/v1/profile").status_code == 429
    settings.CACHES = {
        "default": {**settings.CACHES["default"], "LOCATION": "redis://127.0.0.1:1/0"},
    }
    assert caller.get("/api/v1/profile").status_code == 200
