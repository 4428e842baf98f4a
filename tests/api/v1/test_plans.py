"""The plan catalogue over HTTP."""

from collections.abc import Callable

import pytest

from billing.models import Plan
from shared_apps.audit.models import AuditEvent
from tests.support.client import Caller

NEW = {"code": "team", "name": "Team", "min_seats": 5, "max_seats": 500, "features": {"sso": False}}


def test_an_operator_keeps_the_catalogue(operator: Caller) -> None:
    created = operator.post("/api/v1/plans", NEW)
    assert created.status_code == 201
    plan = created.json()
    assert created["Location"] == f"/api/v1/plans/{plan['id']}"
    assert (plan["min_seats"], plan["max_seats"], plan["trial_days"]) == (5, 500, 0)
    changed = operator.patch(f"/api/v1/plans/{plan['id']}", {"name": "Team 2"})
    assert changed.json()["name"] == "Team 2"
    assert operator.post(f"/api/v1/plans/{plan['id']}/archive").json()["is_active"] is False
    assert operator.get("/api/v1/plans?is_active=true").json()["results"] == []
    assert [row["code"] for row in operator.get("/api/v1/plans").json()["results"]] == ["team"]
    assert list(AuditEvent.objects.order_by("id").values_list("action", flat=True)) == [
        "plans.create",
        "plans.update",
        "plans.archive",
    ]


def test_a_code_is_taken_once(operator: Caller) -> None:
    operator.post("/api/v1/plans", NEW)
    again = operator.post("/api/v1/plans", NEW)
    assert (again.status_code, again.json()["code"]) == (409, "plan_code_taken")


@pytest.mark.parametrize(
    ("label", "change", "code"),
    [
        ("seats the wrong way round", {"min_seats": 600}, "seats_outside_plan"),
        ("a null character", {"name": "a\x00b"}, "invalid_input"),
        ("no slug", {"code": "a b"}, "invalid_input"),
        ("too large", {"max_seats": 10**12}, "invalid_input"),
        ("features no object", {"features": [1]}, "invalid_input"),
    ],
)
def test_values_that_make_no_plan_are_refused(
    label: str, change: dict[str, object], code: str, operator: Caller
) -> None:
    refused = operator.post("/api/v1/plans", {**NEW, **change})
    assert (refused.status_code, refused.json()["code"]) == (400, code)
    assert Plan.objects.count() == 0


def test_tenants_have_no_catalogue(sign_in: Callable[..., Caller], acme: object) -> None:
    assert sign_in(acme).get("/api/v1/plans").status_code == 404
