"""Budgets per caller and per organization, with headers that tell where one stands."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from api.core.throttling import CallerThrottle
from shared_apps.accounts.models import Membership
from shared_apps.core import clock
from shared_apps.core.actors import Role
from shared_apps.core.clock import frozen_at
from tenant_apps.people.models import Member
from tenant_apps.rosters.services.applying import run_applying
from tenants.context import in_organization
from tenants.models import Organization
from tenants.selectors.hosts import announce_changed_hosts
from tests.factories.courses import make_published_course
from tests.factories.runs import make_run
from tests.support.client import Caller
from tests.support.rosters import THREE, upload
from tests.support.subscriptions import make_subscription


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


@pytest.mark.feature("API-04")
def test_every_budget_is_told_in_the_fields_of_the_draft(
    acme: Organization, sign_in: Callable[..., Caller], settings: Any
) -> None:
    _limits(settings, caller=3, organization=10)
    caller = sign_in(acme, Role.LEARNER)
    answer = caller.get("/api/v1/profile")
    assert answer["RateLimit-Policy"] == '"caller";q=3;w=60, "organization";q=10;w=60'
    assert answer["RateLimit"] == '"caller";r=2;t=55, "organization";r=9;t=55'
    assert (answer["RateLimit-Limit"], answer["RateLimit-Remaining"], answer["RateLimit-Reset"]) == (
        "3",
        "2",
        "55",
    )


@pytest.mark.feature("API-04")
def test_a_caller_past_the_own_budget_spends_nothing_of_the_organizations(
    acme: Organization, sign_in: Callable[..., Caller], settings: Any
) -> None:
    # given a caller who goes on asking far past the own budget
    _limits(settings, caller=2, organization=4)
    loud, quiet = sign_in(acme, Role.LEARNER), sign_in(acme, Role.LEARNER)
    answers = [loud.get("/api/v1/profile") for _ in range(20)]
    assert [answer.status_code for answer in answers[:3]] == [200, 200, 429]
    assert answers[-1]["RateLimit"] == '"caller";r=0;t=55'
    # when another asks, then what the organization had left is there
    answer = quiet.get("/api/v1/profile")
    assert (answer.status_code, answer["RateLimit"]) == (
        200,
        '"caller";r=1;t=55, "organization";r=1;t=55',
    )


@pytest.mark.feature("API-04")
def test_an_organization_has_the_budget_the_operator_gave_it(
    acme: Organization, globex: Organization, sign_in: Callable[..., Caller]
) -> None:
    acme.request_budget = 2
    acme.save_fields("request_budget")
    announce_changed_hosts()
    statuses = []
    for _ in range(3):
        answer = sign_in(acme, Role.LEARNER).get("/api/v1/profile")
        statuses.append(answer.status_code)
    assert statuses == [200, 200, 429]
    assert answer["RateLimit-Policy"].endswith('"organization";q=2;w=60')
    assert 1 <= int(answer["Retry-After"]) <= 60
    assert sign_in(globex, Role.LEARNER).get("/api/v1/profile").status_code == 200


def test_health_is_asked_without_a_budget(
    acme: Organization, anonymous: Callable[[Organization], Caller], settings: Any
) -> None:
    _limits(settings, anonymous=1, organization=1)
    answers = [anonymous(acme).get("/healthz") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert [answer.has_header("RateLimit-Limit") for answer in answers] == [False, False, False]


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


@pytest.mark.feature("API-04")
def test_a_request_for_many_counts_once_and_its_rows_are_nobodys_requests(
    acme: Organization,
    member: Callable[..., Membership],
    sign_in: Callable[..., Caller],
    settings: Any,
) -> None:
    # given a caller with four requests, an organization with five, and more rows than either
    run_id = make_run(acme, make_published_course(acme))
    people = [str(member(acme).id) for _ in range(8)]
    admin = sign_in(acme, Role.ADMIN)
    _limits(settings, caller=4, organization=5)
    # when many are enrolled at once
    enrolled = admin.post(f"/api/v1/runs/{run_id}/enrollments/bulk", {"member_ids": people})
    # then that was one request
    assert [row["outcome"] for row in enrolled.json()["results"]] == ["enrolled"] * 8
    assert enrolled["RateLimit"] == '"caller";r=3;t=55, "organization";r=4;t=55'
    make_subscription(acme, 20)
    # when a list of people is read, and applied by its job
    roster = upload(admin, THREE).json()
    applied = admin.post(f"/api/v1/rosters/{roster['id']}/apply", {})
    assert (applied.status_code, applied["RateLimit"]) == (
        202,
        '"caller";r=1;t=55, "organization";r=2;t=55',
    )
    with in_organization(acme):
        run_applying(job_id=applied.json()["id"])
        assert Member.objects.filter(email__in=["ann@acme.example", "bob@acme.example"]).count() == 2
    # then the work of the job took nothing of either budget
    after = admin.get("/api/v1/profile")
    assert after["RateLimit"] == '"caller";r=0;t=55, "organization";r=1;t=55'
    assert sign_in(acme, Role.LEARNER).get("/api/v1/profile").status_code == 200
