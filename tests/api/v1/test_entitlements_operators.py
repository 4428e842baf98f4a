"""Operators see who says what of an organization's entitlements, and allow it more or less than its plan."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from billing.models import Plan, Subscription
from shared_apps.accounts.models import User
from shared_apps.audit.models import AuditEvent
from shared_apps.core.actors import Role
from tenants.models import Organization
from tests.support.client import Caller, platform_caller
from tests.support.measures import statements
from tests.support.subscriptions import make_subscription

ACTION = "subscriptions.override_entitlements"


@pytest.fixture
def subscription(acme: Organization) -> Subscription:
    row = make_subscription(acme, 5)
    Plan.objects.filter(pk=row.plan_id).update(features={"courses": 3, "storage_mb": 50})
    return row


def of(organization: Organization) -> str:
    return f"/api/v1/organizations/{organization.id}/entitlements"


def told(answer: Any) -> dict[str, tuple[Any, ...]]:
    assert answer.status_code == 200, answer.content
    return {
        each["name"]: (each["by_plan"], each["by_operator"], each["value"], each["said_by"])
        for each in answer.json()["results"]
    }


def test_each_is_shown_with_who_says_what(
    operator: Caller, acme: Organization, subscription: Subscription
) -> None:
    with statements() as found:
        answer = operator.get(of(acme))
    assert len(found) <= 2
    assert (answer.json()["organization_id"], answer.json()["plan"]) == (
        str(acme.id),
        subscription.plan.code,
    )
    lines = told(answer)
    assert lines["courses"] == ({"value": 3}, None, 3, "plan")
    assert lines["custom_domains"] == (None, None, True, "default")


def test_words_are_merged_count_at_once_and_are_taken_back(
    operator: Caller, acme: Organization, subscription: Subscription, sign_in: Callable[..., Caller]
) -> None:
    operator.patch(of(acme), {"entitlements": {"courses": 50, "storage_mb": None}, "reason": "pilot"})
    lines = told(operator.patch(of(acme), {"entitlements": {"sso": True}, "reason": "asked for"}))
    assert lines["courses"] == ({"value": 3}, {"value": 50}, 50, "operator")
    assert lines["storage_mb"] == ({"value": 50}, {"value": None}, None, "operator")
    assert lines["sso"] == (None, {"value": True}, True, "operator")
    own = sign_in(acme, Role.OWNER).get("/api/v1/billing/entitlements").json()["results"]
    assert {each["name"]: each["limit"] for each in own}["courses"] == 50

    lines = told(operator.patch(of(acme), {"reset": ["courses", "sso"], "reason": "pilot is over"}))
    assert lines["courses"] == ({"value": 3}, None, 3, "plan")
    assert (lines["sso"][2:], lines["storage_mb"][2:]) == ((False, "default"), (None, "operator"))
    told(operator.patch(of(acme), {"reset": ["storage_mb"], "reason": "pilot is over"}))
    acme.refresh_from_db()
    assert acme.entitlements is None


def test_each_change_is_recorded_with_its_reason_and_a_repeat_is_not(
    operator: Caller, acme: Organization, subscription: Subscription
) -> None:
    body = {"entitlements": {"courses": 50}, "reason": "pilot"}
    assert told(operator.patch(of(acme), body)) == told(operator.patch(of(acme), body))
    event = AuditEvent.objects.get(action=ACTION)
    assert event.organization_id == acme.id
    assert event.changes == {"entitlements": [None, {"courses": 50}], "note": "pilot"}
    for _ in range(2):
        told(operator.patch(of(acme), {"reset": ["courses"], "reason": "over"}))
    assert AuditEvent.objects.filter(action=ACTION).count() == 2


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({"entitlements": {"gold": True}}, "feature_unknown", "entitlements"),
        ({"entitlements": {"courses": -1}}, "feature_value_refused", "entitlements"),
        ({"entitlements": {"courses": True}}, "feature_value_refused", "entitlements"),
        ({"entitlements": {"courses": "5\0"}}, "feature_value_refused", "entitlements"),
        ({"entitlements": {"courses": 10**15 + 1}}, "feature_value_refused", "entitlements"),
        ({"entitlements": {"sso": None}}, "feature_value_refused", "entitlements"),
        ({"entitlements": [1]}, "validation", "entitlements"),
        ({"reset": ["gold"]}, "feature_unknown", "reset"),
        ({"reset": "courses"}, "validation", "reset"),
        ({"entitlements": {"courses": 1}, "reset": ["courses"]}, "entitlement_set_and_reset", "reset"),
        ({"entitlements": {"courses": 1}, "reason": " "}, "validation", "reason"),
        ({"entitlements": {"courses": 1}, "reason": None}, "validation", "reason"),
    ],
)
def test_what_no_operator_can_say_is_400_at_its_field(
    body: dict[str, Any], code: str, field: str, operator: Caller, acme: Organization
) -> None:
    answer = operator.patch(of(acme), {"reason": "pilot", **body})
    found = answer.json()
    assert (answer.status_code, found["errors"][0]["field"]) == (400, field)
    assert code in {"validation", found["code"]}
    acme.refresh_from_db()
    assert acme.entitlements is None
    assert not AuditEvent.objects.filter(action=ACTION).exists()


def test_without_a_reason_nothing_changes(operator: Caller, acme: Organization) -> None:
    answer = operator.patch(of(acme), {"entitlements": {"sso": True}})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "reason")


def test_only_operators_and_only_of_an_organization_there_is(
    operator: Caller, acme: Organization, sign_in: Callable[..., Caller]
) -> None:
    body = {"entitlements": {"sso": True}, "reason": "mine"}
    nobody = platform_caller(User.objects.create_user("person@acme.example", "pw"))
    assert (nobody.get(of(acme)).status_code, nobody.patch(of(acme), body).status_code) == (403, 403)
    owner = sign_in(acme, Role.OWNER)
    assert (owner.get(of(acme)).status_code, owner.patch(of(acme), body).status_code) == (404, 404)
    for identifier in (uuid.uuid4(), "xx"):
        address = f"/api/v1/organizations/{identifier}/entitlements"
        assert (operator.get(address).status_code, operator.patch(address, body).status_code) == (404, 404)
    acme.refresh_from_db()
    assert acme.entitlements is None
