"""Subscriptions given by operators, over HTTP."""

from collections.abc import Callable
from typing import Any

import pytest

from billing.models import Subscription
from billing.services.seats.seats import do_assign_seats
from shared_apps.accounts.models import Membership, User
from shared_apps.audit.models import AuditEvent
from shared_apps.core.actors import system_actor
from tenants.enums import OrganizationState
from tenants.models import Organization
from tests.support.client import Caller, platform_caller
from tests.support.subscriptions import make_plan, make_subscription


def grant(operator: Caller, organization: Organization, **change: Any) -> Any:
    make_plan("team", min_seats=2, max_seats=100)
    body = {"organization_id": str(organization.id), "plan": "team", "seats": 10, "note": "pilot"}
    return operator.post("/api/v1/subscriptions", {**body, **change})


def test_an_operator_grants_a_subscription(operator: Caller, acme: Organization) -> None:
    granted = grant(operator, acme)
    assert granted.status_code == 201
    body = granted.json()
    assert (body["plan"], body["status"], body["purchased"], body["used"], body["free"]) == (
        "team",
        "active",
        10,
        0,
        10,
    )
    acme.refresh_from_db()
    assert acme.state == OrganizationState.ACTIVE
    event = AuditEvent.objects.get(action="subscriptions.grant")
    assert event.organization_id == acme.id
    assert event.changes == {"plan": "team", "seats": 10, "note": "pilot"}


@pytest.mark.parametrize(
    ("label", "change", "status", "code"),
    [
        ("unknown plan", {"plan": "nope"}, 404, "not_found"),
        ("unknown organization", {"organization_id": "0" * 32}, 404, "not_found"),
        ("too few seats for the plan", {"seats": 1}, 400, "seats_outside_plan"),
        ("too many seats for the plan", {"seats": 101}, 400, "seats_outside_plan"),
        ("no seats", {"seats": 0}, 400, "invalid_input"),
    ],
)
def test_grants_that_cannot_be(
    label: str, change: dict[str, object], status: int, code: str, operator: Caller, acme: Organization
) -> None:
    refused = grant(operator, acme, **change)
    assert (refused.status_code, refused.json()["code"]) == (status, code)
    assert Subscription.objects.count() == 0


def test_one_live_subscription_each(operator: Caller, acme: Organization) -> None:
    grant(operator, acme)
    again = grant(operator, acme)
    assert (again.status_code, again.json()["code"]) == (409, "subscription_exists")


def test_seats_grow_and_shrink_but_not_below_use(
    operator: Caller, acme: Organization, member: Callable[..., Membership]
) -> None:
    subscription = make_subscription(acme, 5)
    do_assign_seats(
        actor=system_actor("test"),
        organization_id=acme.id,
        membership_ids=[member(acme).id for _ in range(3)],
    )
    address = f"/api/v1/subscriptions/{subscription.id}/change-seats"
    assert operator.post(address, {"seats": 8}).json()["purchased"] == 8
    refused = operator.post(address, {"seats": 2})
    assert (refused.status_code, refused.json()["code"]) == (409, "seats_in_use")
    assert refused.json()["facts"] == {"used": 3, "asked": 2}
    assert operator.post(address, {"seats": 3}).json()["free"] == 0


def test_cancelling_ends_the_seats_and_keeps_the_history(
    operator: Caller, acme: Organization, member: Callable[..., Membership]
) -> None:
    subscription = make_subscription(acme, 5)
    [seat] = do_assign_seats(
        actor=system_actor("test"), organization_id=acme.id, membership_ids=[member(acme).id]
    )
    canceled = operator.post(f"/api/v1/subscriptions/{subscription.id}/cancel", {"reason": "end"})
    assert (canceled.status_code, canceled.json()["status"], canceled.json()["used"]) == (200, "canceled", 0)
    seat.refresh_from_db()
    assert (seat.state, seat.revoked_reason) == ("revoked", "subscription canceled")
    subscription.refresh_from_db()
    assert subscription.used == 0
    assert operator.post(f"/api/v1/subscriptions/{subscription.id}/cancel", {}).status_code == 200
    assert AuditEvent.objects.filter(action="subscriptions.cancel").count() == 1


def test_the_list_is_filtered_and_costs_a_constant_number_of_queries(
    operator: Caller, acme: Organization, globex: Organization, django_assert_max_num_queries: Any
) -> None:
    make_subscription(acme, 5)
    make_subscription(globex, 7)
    with django_assert_max_num_queries(3):
        found = operator.get("/api/v1/subscriptions").json()["results"]
    assert [row["purchased"] for row in found] == [7, 5]
    one = operator.get(f"/api/v1/subscriptions?organization_id={acme.id}").json()["results"]
    assert [row["purchased"] for row in one] == [5]


def test_only_operators_see_subscriptions(acme: Organization) -> None:
    somebody = platform_caller(User.objects.create_user("user@example.org"))
    assert somebody.get("/api/v1/subscriptions").status_code == 403
    assert grant(somebody, acme).status_code == 403
    assert Subscription.objects.count() == 0
