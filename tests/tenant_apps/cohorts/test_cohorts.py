"""Cohorts: joining enrols, leaving does what the rule says."""

import itertools
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from shared_apps.accounts.enums import MembershipStatus
from shared_apps.accounts.models import Membership, User
from shared_apps.audit.models import AuditEvent
from shared_apps.core import clock
from shared_apps.core.actors import Role, system_actor
from shared_apps.outbox.services.delivery import relay
from tenant_apps.cohorts.models import Cohort, CohortMember, CohortRight
from tenant_apps.cohorts.services.places import join_cohort
from tenant_apps.people.models import Member
from tenant_apps.runs.enums import EnrollmentState, RunState
from tenant_apps.runs.models import Enrollment
from tenants.context import in_organization, in_public
from tenants.models import Organization
from tests.factories.courses import make_published_course
from tests.factories.runs import make_enrollment, make_run
from tests.support.measures import in_parallel, statements

Sign = Callable[..., Any]
Make = Callable[..., Membership]


def _cohort(organization: Organization, **facts: Any) -> uuid.UUID:
    facts.setdefault("name", f"Cohort {uuid.uuid4()}")
    with in_organization(organization):
        return Cohort.objects.create(**facts).id


def _enrollments(organization: Organization) -> dict[uuid.UUID, tuple[str, str]]:
    with in_organization(organization):
        rows = Enrollment.objects.values_list("member_id", "state", "source")
        return {member_id: (state, source) for member_id, state, source in rows}


@pytest.mark.feature("COH-02")
def test_joining_enrols_in_the_cohorts_run_and_again_changes_nothing(
    acme: Organization, member: Make, sign_in: Sign
) -> None:
    run_id = make_run(acme, make_published_course(acme))
    cohort_id = _cohort(acme, run_id=run_id)
    people = [member(acme) for _ in range(3)]
    admin = sign_in(acme, Role.ADMIN)
    body = {"member_ids": [str(each.id) for each in people]}

    first = admin.post(f"/api/v1/cohorts/{cohort_id}/members", body).json()["results"]
    second = admin.post(f"/api/v1/cohorts/{cohort_id}/members", body).json()["results"]

    assert [(row["outcome"], row["enrollment"]) for row in first] == [("joined", "enrolled")] * 3
    assert [(row["outcome"], row["enrollment"]) for row in second] == [("already", "already")] * 3
    assert [row["enrollment_id"] for row in first] == [row["enrollment_id"] for row in second]
    assert _enrollments(acme) == {each.id: ("active", "cohort") for each in people}
    assert admin.get(f"/api/v1/cohorts/{cohort_id}").json()["member_count"] == 3
    assert len(admin.get(f"/api/v1/cohorts/{cohort_id}/members").json()["results"]) == 3
    assert AuditEvent.objects.filter(action="cohorts.edit").count() == 1


@pytest.mark.feature("COH-02")
def test_a_run_given_later_enrols_those_present(acme: Organization, member: Make, sign_in: Sign) -> None:
    cohort_id, run_id = _cohort(acme), make_run(acme, make_published_course(acme))
    present, gone, admin = member(acme), member(acme), sign_in(acme, Role.ADMIN)
    body = {"member_ids": [str(present.id), str(gone.id)]}
    admin.post(f"/api/v1/cohorts/{cohort_id}/members", body)
    admin.post(f"/api/v1/cohorts/{cohort_id}/members/leave", {"member_ids": [str(gone.id)]})
    assert _enrollments(acme) == {}

    answer = admin.patch(f"/api/v1/cohorts/{cohort_id}", {"run_id": str(run_id)})

    assert answer.json()["run_title"] == "A run"
    assert _enrollments(acme) == {present.id: ("active", "cohort")}


@pytest.mark.feature("COH-02")
@pytest.mark.parametrize(("rule", "state"), [("keep", "active"), ("withdraw", "withdrawn")])
def test_leaving_does_what_the_rule_says(
    acme: Organization, member: Make, sign_in: Sign, rule: str, state: str
) -> None:
    run_id = make_run(acme, make_published_course(acme))
    cohort_id = _cohort(acme, run_id=run_id, leave_rule=rule)
    learner, finished, admin = member(acme), member(acme), sign_in(acme, Role.ADMIN)
    make_enrollment(acme, run_id, finished.id, state=EnrollmentState.COMPLETED)
    body = {"member_ids": [str(learner.id), str(finished.id)]}
    admin.post(f"/api/v1/cohorts/{cohort_id}/members", body)

    first = admin.post(f"/api/v1/cohorts/{cohort_id}/members/leave", body).json()["results"]
    second = admin.post(f"/api/v1/cohorts/{cohort_id}/members/leave", body).json()["results"]

    assert [row["outcome"] for row in first] == ["left", "left"]
    assert [row["outcome"] for row in second] == ["already", "already"]
    found = {member_id: state for member_id, (state, _) in _enrollments(acme).items()}
    assert found == {learner.id: state, finished.id: "completed"}

    back = admin.post(f"/api/v1/cohorts/{cohort_id}/members", body).json()["results"]
    assert [row["outcome"] for row in back] == ["joined", "joined"]
    assert _enrollments(acme)[learner.id][0] == "active"
    with in_organization(acme):
        assert CohortMember.objects.count() == 2


@pytest.mark.feature("COH-02")
@pytest.mark.parametrize("with_run", [False, True])
def test_people_who_cannot_be_enrolled_have_no_place(
    acme: Organization, globex: Organization, member: Make, sign_in: Sign, with_run: bool
) -> None:
    run_id = make_run(acme, make_published_course(acme), capacity=1) if with_run else None
    cohort_id = _cohort(acme, run_id=run_id)
    one, two = member(acme), member(acme)
    suspended, stranger = member(acme, status=MembershipStatus.SUSPENDED), member(globex)

    rows = (
        sign_in(acme, Role.ADMIN)
        .post(
            f"/api/v1/cohorts/{cohort_id}/members",
            {"member_ids": [str(each.id) for each in (suspended, stranger, one, two)]},
        )
        .json()["results"]
    )

    codes = [None, "run_full"] if with_run else [None, None]
    assert [row["code"] for row in rows] == ["member_not_active", "unknown_member", *codes]
    with in_organization(acme):
        placed = set(CohortMember.objects.values_list("member_id", flat=True))
    assert placed == ({one.id} if with_run else {one.id, two.id})


def test_a_closed_run_leaves_no_place_behind(acme: Organization, member: Make, sign_in: Sign) -> None:
    run_id = make_run(acme, make_published_course(acme), state=RunState.CLOSED)
    cohort_id = _cohort(acme, run_id=run_id)

    answer = sign_in(acme, Role.ADMIN).post(
        f"/api/v1/cohorts/{cohort_id}/members", {"member_ids": [str(member(acme).id)]}
    )

    assert (answer.status_code, answer.json()["code"]) == (409, "run_closed")
    with in_organization(acme):
        assert CohortMember.objects.count() == 0


def test_cohorts_are_made_changed_and_removed(acme: Organization, sign_in: Sign) -> None:
    admin = sign_in(acme, Role.ADMIN)

    made = admin.post("/api/v1/cohorts", {"name": "Spring 2026", "starts_on": "2026-03-01"})
    taken = admin.post("/api/v1/cohorts", {"name": "Spring 2026"})
    path = made["Location"]
    renamed = admin.patch(path, {"name": "Summer 2026", "leave_rule": "withdraw"})

    assert made.status_code == 201
    assert (taken.status_code, taken.json()["code"]) == (409, "cohort_name_taken")
    assert (renamed.json()["name"], renamed.json()["starts_on"]) == ("Summer 2026", "2026-03-01")
    assert [row["name"] for row in admin.get("/api/v1/cohorts").json()["results"]] == ["Summer 2026"]
    other = admin.post("/api/v1/cohorts", {"name": "Spring 2026"})["Location"]
    assert admin.patch(other, {"name": "Summer 2026"}).json()["code"] == "cohort_name_taken"
    assert admin.delete(path).status_code == 204
    assert admin.get(path).status_code == 404


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"name": "x" * 121}, "invalid_input"),
        ({"name": "a\x00b"}, "invalid_input"),
        ({"name": "Fine", "leave_rule": "burn"}, "invalid_input"),
        ({"name": "Fine", "run_id": str(uuid.uuid4())}, "unknown_run"),
    ],
)
def test_wrong_facts_are_refused(acme: Organization, sign_in: Sign, body: dict[str, Any], code: str) -> None:
    answer = sign_in(acme, Role.ADMIN).post("/api/v1/cohorts", body)

    assert (answer.status_code, answer.json()["code"]) == (400, code)


def test_managers_manage_the_cohorts_they_hold_the_right_on(
    acme: Organization, member: Make, sign_in: Sign
) -> None:
    manager = member(acme, Role.MANAGER)
    User.objects.filter(pk=manager.user_id).update(is_superuser=True)
    caller, admin = sign_in(acme, manager), sign_in(acme, Role.ADMIN)
    foreign = _cohort(acme)
    body = {"member_ids": [str(member(acme).id)]}

    own = caller.post("/api/v1/cohorts", {"name": "Mine"})["Location"]

    assert [row["name"] for row in caller.get("/api/v1/cohorts").json()["results"]] == ["Mine"]
    assert caller.post(f"{own}/members", body).status_code == 200
    can = {"edit": True, "delete": True, "place": True, "set_managers": False}
    assert [row["can"] for row in caller.get("/api/v1/cohorts").json()["results"]] == [can]
    assert admin.get(own).json()["can"] == can | {"set_managers": True}
    assert caller.get(f"/api/v1/cohorts/{foreign}").status_code == 404
    assert caller.post(f"/api/v1/cohorts/{foreign}/members", body).status_code == 404
    assert caller.put(f"{own}/managers", {"member_id": str(manager.id), "manages": False}).status_code == 403

    for _ in range(2):
        given = admin.put(
            f"/api/v1/cohorts/{foreign}/managers", {"member_id": str(manager.id), "manages": True}
        )
        assert [row["member_id"] for row in given.json()] == [str(manager.id)]
    assert caller.post(f"/api/v1/cohorts/{foreign}/members", body).status_code == 200
    admin.put(f"/api/v1/cohorts/{foreign}/managers", {"member_id": str(manager.id), "manages": False})
    assert caller.get(f"/api/v1/cohorts/{foreign}").status_code == 404


def test_a_manager_enrols_own_reports_only_through_a_cohort_too(
    acme: Organization, member: Make, sign_in: Sign
) -> None:
    run_id = make_run(acme, make_published_course(acme))
    manager, report, other = member(acme, Role.MANAGER), member(acme), member(acme)
    with in_organization(acme):
        Member.objects.filter(pk=report.id).update(manager_id=manager.id)
    caller = sign_in(acme, manager)
    body = {"member_ids": [str(report.id), str(other.id)]}
    with_run = caller.post("/api/v1/cohorts", {"name": "With a run", "run_id": str(run_id)})["Location"]
    without = caller.post("/api/v1/cohorts", {"name": "Without"})["Location"]

    rows = caller.post(f"{with_run}/members", body).json()["results"]
    caller.post(f"{without}/members", body)
    caller.patch(without, {"run_id": str(run_id)})

    assert [row["code"] for row in rows] == [None, "not_your_report"]
    assert set(_enrollments(acme)) == {report.id}


@pytest.mark.parametrize("role", [Role.LEARNER, Role.INSTRUCTOR, Role.BILLING_ADMIN])
def test_others_have_nothing_to_do_with_cohorts(acme: Organization, sign_in: Sign, role: Role) -> None:
    caller, cohort_id = sign_in(acme, role), _cohort(acme)

    assert caller.get("/api/v1/cohorts").status_code == 403
    assert caller.get(f"/api/v1/cohorts/{cohort_id}").status_code == 403
    assert caller.post("/api/v1/cohorts", {"name": "Mine"}).status_code == 403


@pytest.mark.parametrize("people", [2, 30])
def test_joining_takes_a_constant_number_of_statements(acme: Organization, member: Make, people: int) -> None:
    cohort_id = _cohort(acme, run_id=make_run(acme, make_published_course(acme)))
    members, actor = [member(acme).id for _ in range(people)], system_actor("test", acme.id)

    with in_organization(acme), statements() as seen:
        join_cohort(actor=actor, cohort_id=cohort_id, member_ids=members)

    assert len(seen) == 6


@pytest.mark.parametrize("cohorts", [2, 12])
def test_the_list_takes_a_constant_number_of_statements(
    acme: Organization, sign_in: Sign, cohorts: int
) -> None:
    for _ in range(cohorts):
        _cohort(acme)
    admin = sign_in(acme, Role.ADMIN)

    with statements() as seen:
        assert len(admin.get("/api/v1/cohorts").json()["results"]) == cohorts

    assert len(seen) == 2


@pytest.mark.feature("COH-02")
def test_the_same_people_joined_eight_times_at_once_have_one_place_each(
    committed: None, acme: Organization, member: Make
) -> None:
    cohort_id = _cohort(acme, run_id=make_run(acme, make_published_course(acme)))
    people, actor = [member(acme).id for _ in range(4)], system_actor("race", acme.id)

    def join() -> list[str]:
        rows = join_cohort(actor=actor, cohort_id=cohort_id, member_ids=people)
        return [row.outcome.value for row in rows]

    results = in_parallel(acme, [join] * 8)

    assert sorted(itertools.chain.from_iterable(results)) == ["already"] * 28 + ["joined"] * 4
    assert len(_enrollments(acme)) == 4


def test_whoever_is_removed_leaves_the_cohorts_and_manages_none(
    acme: Organization, member: Make, sign_in: Sign
) -> None:
    leaver, stays, admin = member(acme, Role.MANAGER), member(acme), sign_in(acme, Role.ADMIN)
    left, former = _cohort(acme), _cohort(acme)
    for cohort_id in (left, former):
        path = f"/api/v1/cohorts/{cohort_id}"
        joined = admin.post(f"{path}/members", {"member_ids": [str(leaver.id), str(stays.id)]})
        assert joined.status_code == 200
        for each in (leaver, member(acme, Role.MANAGER)):
            body = {"member_id": str(each.id), "manages": True}
            assert admin.put(f"{path}/managers", body).status_code == 200
    with in_organization(acme):
        before = clock.now() - timedelta(days=9)
        CohortMember.objects.filter(cohort_id=former, member_id=leaver.id).update(left_at=before)

    with clock.frozen_at(clock.now() + timedelta(minutes=1)):
        now = clock.now()
        assert admin.delete(f"/api/v1/members/{leaver.id}").status_code == 204
        with in_public():
            relay()
            relay()

    with in_organization(acme):
        places = {(row.cohort_id, row.member_id): row.left_at for row in CohortMember.objects.order_by("id")}
        rights = list(CohortRight.objects.values_list("user_id", flat=True))
    assert places == {
        (left, leaver.id): now,
        (former, leaver.id): before,
        (left, stays.id): None,
        (former, stays.id): None,
    }
    assert len(rights) == 2
    assert leaver.user_id not in rights
    [event] = AuditEvent.objects.filter(action="cohorts.leave_departed")
    assert event.changes == {"left": [str(left)], "rights": 2}


def test_whoever_was_taken_back_at_once_keeps_their_cohorts(
    acme: Organization, member: Make, sign_in: Sign
) -> None:
    leaver, admin, cohort_id = member(acme, Role.MANAGER), sign_in(acme, Role.ADMIN), _cohort(acme)
    admin.post(f"/api/v1/cohorts/{cohort_id}/members", {"member_ids": [str(leaver.id)]})
    admin.put(f"/api/v1/cohorts/{cohort_id}/managers", {"member_id": str(leaver.id), "manages": True})
    assert admin.delete(f"/api/v1/members/{leaver.id}").status_code == 204
    back = admin.post("/api/v1/invitations", {"email": leaver.user.email, "role": "manager"})
    assert back.status_code == 201
    with in_public():
        relay()
    with in_organization(acme):
        assert CohortMember.objects.get(member_id=leaver.id).left_at is None
        assert CohortRight.objects.filter(user_id=leaver.user_id).count() == 1
