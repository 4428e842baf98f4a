"""Seats over HTTP, on the organization's host."""

from collections.abc import Callable
from typing import Any

import pytest

from billing.models import SeatAssignment
from shared_apps.accounts.models import Membership
from shared_apps.core.actors import Role
from tenants.models import Organization
from tests.support.client import Caller
from tests.support.subscriptions import make_subscription

SignIn = Callable[..., Caller]
Members = Callable[..., Membership]


def test_an_admin_assigns_revokes_and_reassigns(acme: Organization, sign_in: SignIn, member: Members) -> None:
    make_subscription(acme, 2)
    admin = sign_in(acme, Role.BILLING_ADMIN)
    first, second, third = (member(acme) for _ in range(3))
    given = admin.post("/api/v1/seats/assign", {"member_ids": [str(first.id), str(second.id)]})
    assert given.status_code == 200
    seats = given.json()["results"]
    assert [seat["member_id"] for seat in seats] == [str(first.id), str(second.id)]
    full = admin.post("/api/v1/seats/assign", {"member_ids": [str(third.id)]})
    assert (full.status_code, full.json()["code"]) == (409, "seats_exhausted")
    assert full.json()["facts"] == {"seats_free": 0, "seats_needed": 1}
    moved = admin.post(f"/api/v1/seats/{seats[0]['id']}/reassign", {"member_id": str(third.id)})
    assert (moved.json()["member_id"], moved.json()["follows_id"]) == (str(third.id), seats[0]["id"])
    gone = admin.post(f"/api/v1/seats/{seats[1]['id']}/revoke", {"reason": "left"})
    assert (gone.json()["state"], gone.json()["revoked_reason"]) == ("revoked", "left")
    assert admin.get("/api/v1/seats/summary").json() == {
        "purchased": 2,
        "assigned": 0,
        "active": 1,
        "free": 1,
        "released": 2,
        "used_percent": 50,
        "plan": "team",
        "status": "active",
    }


def test_the_list_filters_and_costs_a_constant_number_of_queries(
    acme: Organization, sign_in: SignIn, member: Members, django_assert_max_num_queries: Any
) -> None:
    make_subscription(acme, 20)
    admin = sign_in(acme, Role.ADMIN)
    people = [str(member(acme).id) for _ in range(12)]
    seats = admin.post("/api/v1/seats/assign", {"member_ids": people}).json()["results"]
    admin.post(f"/api/v1/seats/{seats[0]['id']}/revoke", {})
    with django_assert_max_num_queries(3):
        assert len(admin.get("/api/v1/seats").json()["results"]) == 12
    assert len(admin.get("/api/v1/seats?state=active").json()["results"]) == 11
    [one] = admin.get(f"/api/v1/seats?member_id={people[0]}").json()["results"]
    assert one["state"] == "revoked"
    assert admin.get("/api/v1/seats?held_at=2020-01-01T00:00:00Z").json()["results"] == []
    assert admin.get("/api/v1/seats?state=nonsense").status_code == 400


def test_a_learner_claims_once_and_cannot_see_the_others(acme: Organization, sign_in: SignIn) -> None:
    make_subscription(acme, 2)
    learner = sign_in(acme, Role.LEARNER)
    first = learner.post("/api/v1/seats/claim")
    assert first.status_code == 200
    assert learner.post("/api/v1/seats/claim").json()["id"] == first.json()["id"]
    assert learner.get("/api/v1/seats").status_code == 403
    assert (
        learner.post("/api/v1/seats/assign", {"member_ids": [first.json()["member_id"]]}).status_code == 403
    )
    assert SeatAssignment.objects.count() == 1


def test_an_organization_can_switch_self_claims_off(acme: Organization, sign_in: SignIn) -> None:
    make_subscription(acme, 2)
    acme.settings = {"seat_self_claim": False}
    acme.save_fields("settings")
    refused = sign_in(acme, Role.LEARNER).post("/api/v1/seats/claim")
    assert (refused.status_code, refused.json()["code"]) == (403, "seat_self_claim_off")
    assert SeatAssignment.objects.count() == 0


def test_another_organizations_seats_and_members_are_not_there(
    acme: Organization, globex: Organization, sign_in: SignIn, member: Members
) -> None:
    make_subscription(acme, 2)
    make_subscription(globex, 2)
    theirs = member(globex)
    [seat] = (
        sign_in(globex, Role.OWNER)
        .post("/api/v1/seats/assign", {"member_ids": [str(theirs.id)]})
        .json()["results"]
    )
    owner = sign_in(acme, Role.OWNER)
    assert owner.post(f"/api/v1/seats/{seat['id']}/revoke", {}).status_code == 404
    assert (
        owner.post(f"/api/v1/seats/{seat['id']}/reassign", {"member_id": str(member(acme).id)}).status_code
        == 404
    )
    foreign = owner.post("/api/v1/seats/assign", {"member_ids": [str(theirs.id)]})
    assert (foreign.status_code, foreign.json()["code"]) == (404, "member_not_found")
    assert owner.get("/api/v1/seats").json()["results"] == []
    assert list(SeatAssignment.objects.values_list("state", flat=True)) == ["active"]


@pytest.mark.parametrize("body", [{}, {"member_ids": []}, {"member_ids": ["x"]}, {"member_ids": "\x00"}, [1]])
def test_bodies_of_a_wrong_shape_are_400(body: object, acme: Organization, sign_in: SignIn) -> None:
    assert sign_in(acme, Role.ADMIN).post("/api/v1/seats/assign", body).status_code == 400


def test_nobody_signed_in_is_401(acme: Organization, anonymous: Callable[..., Caller]) -> None:
    assert anonymous(acme).get("/api/v1/seats/summary").status_code == 401
