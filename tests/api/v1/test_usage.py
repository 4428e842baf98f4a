"""Figures of use for those they concern, and shares that operators set."""

import uuid
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest

from shared_apps.audit.models import AuditEvent
from shared_apps.core import clock
from shared_apps.core.actors import Role
from shared_apps.usage.models import DailyUsage
from tenants.models import Organization
from tests.support.client import Caller


def _use(organization: Organization, day: date, **figures: Any) -> None:
    DailyUsage.objects.create(organization_id=organization.id, day=day, **figures)


@pytest.mark.feature("OPS-02")
def test_admins_see_the_days_of_their_own_organization(
    acme: Organization, globex: Organization, sign_in: Callable[..., Caller]
) -> None:
    today = clock.now().date()
    _use(
        acme,
        today - timedelta(days=1),
        requests=5,
        tasks=2,
        mails=1,
        database_bytes=100,
        file_bytes=7,
        rows=3,
    )
    _use(acme, today - timedelta(days=40), requests=99)
    _use(globex, today, requests=77)
    answer = sign_in(acme, Role.ADMIN).get("/api/v1/usage")
    assert answer.status_code == 200
    assert answer.json() == {
        "organization_id": str(acme.id),
        "since": str(today - timedelta(days=29)),
        "until": str(today),
        "queue_weight": 1,
        "request_budget": None,
        "days": [
            {
                "day": str(today - timedelta(days=1)),
                "requests": 5,
                "tasks": 2,
                "mails": 1,
                "database_bytes": 100,
                "file_bytes": 7,
                "rows": 3,
            }
        ],
    }
    assert sign_in(acme, Role.INSTRUCTOR).get("/api/v1/usage").status_code == 403


@pytest.mark.parametrize("days", ["0", "367", "x"])
def test_a_stretch_that_is_none_is_refused(
    days: str, acme: Organization, sign_in: Callable[..., Caller]
) -> None:
    assert sign_in(acme, Role.ADMIN).get(f"/api/v1/usage?days={days}").status_code == 400


def test_operators_see_any_organizations_days(acme: Organization, operator: Caller) -> None:
    _use(acme, clock.now().date(), requests=5)
    answer = operator.get(f"/api/v1/organizations/{acme.id}/usage?days=1")
    assert [day["requests"] for day in answer.json()["days"]] == [5]
    assert operator.get(f"/api/v1/organizations/{uuid.uuid4()}/usage").status_code == 404


@pytest.mark.feature("API-04")
def test_an_operator_sets_the_shares_and_they_count_at_once(
    acme: Organization,
    operator: Caller,
    sign_in: Callable[..., Caller],
    django_capture_on_commit_callbacks: Any,
) -> None:
    caller = sign_in(acme, Role.LEARNER)
    caller.get("/api/v1/profile")
    with django_capture_on_commit_callbacks(execute=True):
        answer = operator.patch(
            f"/api/v1/organizations/{acme.id}/shares", {"queue_weight": 4, "request_budget": 2}
        )
    assert answer.json() == {"id": str(acme.id), "queue_weight": 4, "request_budget": 2}
    assert [caller.get("/api/v1/profile").status_code for _ in range(2)] == [200, 429]
    event = AuditEvent.objects.get(action="organizations.shares")
    assert event.changes == {"queue_weight": [1, 4], "request_budget": [None, 2]}
    # the same again changes nothing, and leaves no line
    operator.patch(f"/api/v1/organizations/{acme.id}/shares", {"queue_weight": 4})
    assert AuditEvent.objects.filter(action="organizations.shares").count() == 1


@pytest.mark.parametrize(
    "body",
    [{"queue_weight": 0}, {"queue_weight": 101}, {"request_budget": 0}, {"request_budget": "many"}],
    ids=str,
)
def test_shares_that_are_none_are_refused(body: dict[str, Any], acme: Organization, operator: Caller) -> None:
    assert operator.patch(f"/api/v1/organizations/{acme.id}/shares", body).status_code == 400
    acme.refresh_from_db()
    assert (acme.queue_weight, acme.request_budget) == (1, None)


def test_shares_of_nobody_are_not_found(operator: Caller, acme: Organization) -> None:
    answer = operator.patch(f"/api/v1/organizations/{uuid.uuid4()}/shares", {"queue_weight": 2})
    assert answer.status_code == 404
