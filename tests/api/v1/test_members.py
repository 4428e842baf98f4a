"""Members over HTTP: who sees whom, and the standing of people."""

import threading
import uuid
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.db import connection

from billing.models import Plan, SeatAssignment, Subscription
from billing.services.seats.seats import do_assign_seats
from shared_apps.accounts.enums import MembershipStatus
from shared_apps.accounts.models import Membership, PersonalAccessToken, SignIn
from shared_apps.audit.models import AuditEvent
from shared_apps.core import clock
from shared_apps.core.actors import Role, system_actor
from tenant_apps.people.models import Member
from tenants.context import in_organization, in_public
from tenants.models import Organization
from tests.conftest import MemberMaker
from tests.support.client import Caller, caller_as
from tests.support.measures import run_together

SignIns = Callable[..., Caller]


def _ids(response: Any) -> list[str]:
    assert response.status_code == 200, response.json()
    return [row["id"] for row in response.json()["results"]]


def _owner(organization: Organization) -> Membership:
    with in_public():
        return Membership.objects.get(organization=organization, role=Role.OWNER)


@pytest.mark.feature("TEN-01")
def test_members_of_another_organization_never_appear(
    acme: Organization, globex: Organization, member: MemberMaker, sign_in: SignIns
) -> None:
    ours = member(acme, first_name="Ann", last_name="Same")
    theirs = member(globex, first_name="Ann", last_name="Same")
    admin = sign_in(acme, Role.ADMIN)
    assert str(ours.id) in _ids(admin.get("/api/v1/members"))
    assert _ids(admin.get("/api/v1/members?search=same")) == [str(ours.id)]
    assert admin.get(f"/api/v1/members/{theirs.id}").status_code == 404


@pytest.mark.feature("TEN-03")
def test_another_organizations_admin_gets_404_for_every_act(
    acme: Organization, globex: Organization, member: MemberMaker, sign_in: SignIns
) -> None:
    stranger = member(globex)
    admin = sign_in(acme, Role.ADMIN)
    path = f"/api/v1/members/{stranger.id}"
    answers = [
        admin.patch(path, {"first_name": "X"}),
        admin.post(f"{path}/role", {"role": "instructor"}),
        admin.post(f"{path}/suspend"),
        admin.post(f"{path}/reactivate"),
        admin.delete(path),
    ]
    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(404, "not_found")] * 5
    stranger.refresh_from_db()
    assert (stranger.role, stranger.status) == ("learner", "active")


@pytest.mark.feature("IDN-06")
def test_who_sees_whom(acme: Organization, member: MemberMaker, sign_in: SignIns) -> None:
    manager = member(acme, Role.MANAGER)
    report = member(acme, manager_id=manager.id)
    below = member(acme, manager_id=report.id)
    other = member(acme)
    everybody = 5  # with the seeded owner
    assert set(_ids(sign_in(acme, manager).get("/api/v1/members"))) == {
        str(row.id) for row in (manager, report, below)
    }
    assert _ids(sign_in(acme, other).get("/api/v1/members")) == [str(other.id)]
    assert sign_in(acme, other).get(f"/api/v1/members/{report.id}").status_code == 404
    assert sign_in(acme, manager).get(f"/api/v1/members/{other.id}").status_code == 404
    assert len(_ids(sign_in(acme, Role.INSTRUCTOR).get("/api/v1/members"))) == everybody + 1
    assert len(_ids(sign_in(acme, Role.ADMIN).get("/api/v1/members"))) == everybody + 2


def test_a_circle_of_managers_ends(acme: Organization, member: MemberMaker, sign_in: SignIns) -> None:
    first = member(acme, Role.MANAGER)
    second = member(acme, manager_id=first.id)
    with in_organization(acme):
        Member.objects.filter(pk=first.id).update(manager_id=second.id)
    assert len(_ids(sign_in(acme, first).get("/api/v1/members"))) == 2


def test_the_list_filters_and_pages_by_name_without_gaps(
    acme: Organization, member: MemberMaker, sign_in: SignIns
) -> None:
    for number in range(7):  # people of one name: the cursor must stand between them
        member(acme, first_name="Sam", last_name="Jones", department="Sales" if number % 2 else "Ops")
    zed = member(acme, first_name="Zed", last_name="Adams", status=MembershipStatus.SUSPENDED)
    gone = member(acme, first_name="Gone", last_name="Jones", status=MembershipStatus.REMOVED)
    admin = sign_in(acme, Role.ADMIN)
    seen: list[str] = []
    link = "/api/v1/members?limit=3"
    while link:
        page = admin.get(link).json()
        assert len(page["results"]) <= 3
        seen += [row["id"] for row in page["results"]]
        link = page["next"]
    assert len(seen) == len(set(seen)) == 10  # seven, Zed, the admin, the owner
    assert str(gone.id) not in seen
    assert len(_ids(admin.get("/api/v1/members?search=jo sa"))) == 7
    assert len(_ids(admin.get("/api/v1/members?department=sales"))) == 3
    assert _ids(admin.get("/api/v1/members?status=suspended")) == [str(zed.id)]
    assert _ids(admin.get("/api/v1/members?status=removed")) == [str(gone.id)]
    assert len(_ids(admin.get("/api/v1/members?role=learner"))) == 8
    assert admin.get("/api/v1/members?role=emperor").status_code == 400
    assert admin.get("/api/v1/members?search=%00").status_code == 400


def test_a_page_costs_the_same_queries_for_any_number_of_members(
    acme: Organization, member: MemberMaker, sign_in: SignIns, django_assert_max_num_queries: Any
) -> None:
    boss = member(acme)
    admin = sign_in(acme, Role.ADMIN)
    admin.get("/api/v1/members")
    for _ in range(12):
        member(acme, manager_id=boss.id)
    with django_assert_max_num_queries(2):  # sign-in, page
        assert len(_ids(admin.get("/api/v1/members"))) == 15


@pytest.mark.feature("TEN-03")
def test_an_admin_changes_facts_and_the_log_knows(
    acme: Organization, member: MemberMaker, sign_in: SignIns
) -> None:
    boss, someone = member(acme), member(acme, department="Ops")
    admin = sign_in(acme, Role.ADMIN)
    answer = admin.patch(
        f"/api/v1/members/{someone.id}",
        {
            "department": "Sales",
            "manager_id": str(boss.id),
            "starts_on": "2026-05-04",
            "timezone": "Asia/Tokyo",
        },
    )
    assert answer.status_code == 200
    body = answer.json()
    assert (body["department"], body["starts_on"], body["timezone"]) == ("Sales", "2026-05-04", "Asia/Tokyo")
    assert body["manager"]["id"] == str(boss.id)
    event = AuditEvent.objects.get(action="members.edit", target_id=str(someone.id))
    assert event.organization_id == acme.id
    assert event.changes["department"] == ["Ops", "Sales"]
    assert set(event.changes) == {"department", "manager_id", "starts_on", "timezone"}


def test_facts_that_cannot_be_are_refused(acme: Organization, member: MemberMaker, sign_in: SignIns) -> None:
    boss = member(acme, employee_id="E1")
    someone = member(acme, manager_id=boss.id, employee_id="E2")
    admin = sign_in(acme, Role.ADMIN)

    def refused(target: Membership, **facts: Any) -> tuple[int, str]:
        answer = admin.patch(f"/api/v1/members/{target.id}", facts)
        return answer.status_code, answer.json()["code"]

    assert refused(someone, employee_id="E1") == (409, "employee_id_taken")
    assert refused(boss, manager_id=str(someone.id)) == (400, "manager_not_possible")
    assert refused(boss, manager_id=str(boss.id)) == (400, "manager_not_possible")
    assert refused(boss, manager_id=str(uuid.uuid4())) == (400, "manager_not_possible")
    assert refused(boss, timezone="Mars/Base") == (400, "unknown_timezone")
    assert refused(boss, language="not a tag") == (400, "unknown_language")
    assert refused(boss, first_name="a\x00b") == (400, "invalid_input")
    assert refused(boss, first_name="x" * 101) == (400, "invalid_input")
    assert (
        sign_in(acme, someone).patch(f"/api/v1/members/{someone.id}", {"department": "CEO"}).status_code
        == 403
    )


@pytest.mark.feature("IDN-08")
def test_nobody_raises_themself(acme: Organization, member: MemberMaker, sign_in: SignIns) -> None:
    for role in (Role.LEARNER, Role.INSTRUCTOR, Role.MANAGER, Role.BILLING_ADMIN):
        someone = member(acme, role)
        answer = sign_in(acme, someone).post(f"/api/v1/members/{someone.id}/role", {"role": "admin"})
        assert (answer.status_code, answer.json()["facts"]) == (403, {"needed": "members.change_role"})
    admin = member(acme, Role.ADMIN)
    answer = sign_in(acme, admin).post(f"/api/v1/members/{admin.id}/role", {"role": "owner"})
    assert (answer.status_code, answer.json()["facts"]) == (403, {"needed": "members.manage_admins"})
    admin.refresh_from_db()
    assert admin.role == Role.ADMIN


@pytest.mark.feature("IDN-08")
def test_an_admin_gives_the_roles_below_an_owner_all(
    acme: Organization, member: MemberMaker, sign_in: SignIns
) -> None:
    someone, second = member(acme), member(acme, Role.ADMIN)
    admin, owner = sign_in(acme, Role.ADMIN), sign_in(acme, _owner(acme))
    answer = admin.post(f"/api/v1/members/{someone.id}/role", {"role": "instructor"})
    assert (answer.status_code, answer.json()["role"]) == (200, "instructor")
    assert admin.post(f"/api/v1/members/{someone.id}/role", {"role": "admin"}).status_code == 403
    assert admin.post(f"/api/v1/members/{second.id}/suspend").status_code == 403
    assert admin.delete(f"/api/v1/members/{second.id}").status_code == 403
    assert owner.post(f"/api/v1/members/{someone.id}/role", {"role": "owner"}).status_code == 200
    assert owner.post(f"/api/v1/members/{second.id}/role", {"role": "learner"}).status_code == 200
    event = AuditEvent.objects.filter(action="members.change_role", outcome="done").last()
    assert event is not None
    assert event.changes == {"role": ["learner", "instructor"]}
    refused = AuditEvent.objects.filter(outcome="refused")
    assert set(refused.values_list("action", "organization_id")) == {("members.manage_admins", acme.id)}
    assert refused.count() == 3


def test_the_last_owner_stays(acme: Organization, sign_in: SignIns) -> None:
    owner = _owner(acme)
    caller = sign_in(acme, owner)
    path = f"/api/v1/members/{owner.id}"
    answers = [
        caller.post(f"{path}/role", {"role": "learner"}),
        caller.post(f"{path}/suspend"),
        caller.delete(path),
    ]
    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(409, "last_owner")] * 3
    owner.refresh_from_db()
    assert (owner.role, owner.status) == ("owner", "active")


def test_two_owners_who_unmake_each_other_leave_one(
    committed: None, acme: Organization, member: MemberMaker
) -> None:
    first, second = _owner(acme), member(acme, Role.OWNER)
    callers = [(caller_as(first, acme), second), (caller_as(second, acme), first)]
    gate = threading.Barrier(2)
    answers: list[int] = []

    def unmake(caller: Caller, other: Membership) -> None:
        try:
            gate.wait()
            answers.append(caller.post(f"/api/v1/members/{other.id}/role", {"role": "learner"}).status_code)
        finally:
            connection.close()

    run_together([partial(unmake, *pair) for pair in callers])
    assert 200 in answers
    assert Membership.objects.filter(organization=acme, role=Role.OWNER, status="active").count() == 1


def test_a_suspended_member_is_out_at_once_and_comes_back(
    acme: Organization, member: MemberMaker, sign_in: SignIns
) -> None:
    someone = member(acme)
    caller, admin = sign_in(acme, someone), sign_in(acme, Role.ADMIN)
    assert caller.get("/api/v1/members").status_code == 200
    assert admin.post(f"/api/v1/members/{someone.id}/suspend").json()["status"] == "suspended"
    assert caller.get("/api/v1/members").status_code == 401
    again = admin.post(f"/api/v1/members/{someone.id}/suspend")
    assert (again.status_code, again.json()["code"]) == (409, "wrong_membership_status")
    assert admin.post(f"/api/v1/members/{someone.id}/reactivate").json()["status"] == "active"
    assert caller.get("/api/v1/members").status_code == 401  # the old sign-in stays ended
    assert sign_in(acme, someone).get("/api/v1/members").status_code == 200


@pytest.mark.feature("TEN-03")
def test_removing_a_member_ends_access_here_only_and_frees_the_seat(
    acme: Organization, globex: Organization, member: MemberMaker, sign_in: SignIns
) -> None:
    someone = member(acme, email="both@people.example")
    elsewhere = member(globex, email="both@people.example")
    here, there = sign_in(acme, someone), sign_in(globex, elsewhere)
    token = PersonalAccessToken.objects.create(
        user_id=someone.user_id, organization=acme, membership=someone, name="ci", token_hash=b"1" * 32
    )
    plan = Plan.objects.create(code="team", name="Team")
    Subscription.objects.create(organization=acme, plan=plan, purchased=5, starts_at=clock.now())
    do_assign_seats(actor=system_actor("test"), organization_id=acme.id, membership_ids=[someone.id])
    admin = sign_in(acme, Role.ADMIN)
    assert admin.delete(f"/api/v1/members/{someone.id}").status_code == 204
    assert here.get("/api/v1/members").status_code == 401
    assert there.get("/api/v1/members").status_code == 200
    token.refresh_from_db()
    assert token.revoked_at is not None
    assert SignIn.objects.filter(membership=someone, revoked_at__isnull=True).count() == 0
    assert SeatAssignment.objects.get().state == "revoked"
    assert Subscription.objects.get().free == 5
    assert admin.delete(f"/api/v1/members/{someone.id}").status_code == 404
