"""Enrolling: once, in order, as far as the places reach, and along the state machine."""

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from billing.models import Plan, SeatAssignment, Subscription
from shared_apps.accounts.enums import MembershipStatus
from shared_apps.accounts.models import Membership
from shared_apps.audit.models import AuditEvent
from shared_apps.core import clock
from shared_apps.core.actors import Role, system_actor
from shared_apps.outbox.services.delivery import relay
from tenant_apps.people.models import Member
from tenant_apps.runs.enums import ENROLLMENT_MOVES, OCCUPYING, EnrollmentState, RunState
from tenant_apps.runs.models import Enrollment, RunRight
from tenant_apps.runs.services.enrolling import EnrollOutcome, enroll_member, enroll_members
from tenants.context import in_organization, in_public
from tenants.models import Organization
from tests.factories.courses import make_published_course
from tests.factories.runs import make_enrollment, make_run
from tests.support.measures import in_parallel, statements


@pytest.mark.feature("ENR-01")
def test_a_second_enrolment_answers_the_same_one(
    acme: Organization, member: Callable[..., Membership], sign_in: Callable[..., Any]
) -> None:
    run_id = make_run(acme, make_published_course(acme))
    learner, admin = member(acme), sign_in(acme, Role.ADMIN)
    body = {"member_id": str(learner.id)}

    first = admin.post(f"/api/v1/runs/{run_id}/enrollments", body)
    second = admin.post(f"/api/v1/runs/{run_id}/enrollments", body)

    assert (first.status_code, second.status_code) == (201, 200)
    assert first["Location"] == f"/api/v1/enrollments/{first.json()['id']}"
    assert second.json() == first.json()
    assert (first.json()["state"], first.json()["source"]) == ("active", "admin")
    with in_organization(acme):
        assert Enrollment.objects.count() == 1
    assert AuditEvent.objects.filter(action="runs.enrol").count() == 1


def test_enrolling_takes_four_statements_beside_the_sign_in(
    acme: Organization, member: Callable[..., Membership], sign_in: Callable[..., Any]
) -> None:
    run_id = make_run(acme, make_published_course(acme))
    admin, learner = sign_in(acme, Role.ADMIN), member(acme)

    with statements() as seen:
        admin.post(f"/api/v1/runs/{run_id}/enrollments", {"member_id": str(learner.id)})

    assert [sql.split()[0] for sql in seen] == ["SELECT", "SELECT", "SELECT", "WITH", "INSERT"]


@pytest.mark.feature("ENR-01")
def test_many_at_once_have_a_result_each(
    acme: Organization, member: Callable[..., Membership], sign_in: Callable[..., Any]
) -> None:
    run_id = make_run(acme, make_published_course(acme))
    already, new, invited = member(acme), member(acme), member(acme, status=MembershipStatus.INVITED)
    suspended, unknown = member(acme, status=MembershipStatus.SUSPENDED), uuid.uuid4()
    there = make_enrollment(acme, run_id, already.id)
    asked = [str(each) for each in (already.id, new.id, invited.id, suspended.id, unknown, new.id)]

    answer = sign_in(acme, Role.ADMIN).post(f"/api/v1/runs/{run_id}/enrollments/bulk", {"member_ids": asked})

    rows = answer.json()["results"]
    assert [(row["outcome"], row["code"]) for row in rows] == [
        ("already", None),
        ("enrolled", None),
        ("enrolled", None),
        ("refused", "member_not_active"),
        ("refused", "unknown_member"),
    ]
    assert rows[0]["enrollment_id"] == str(there)
    with in_organization(acme):
        states = dict(Enrollment.objects.values_list("member_id", "state"))
    assert states == {already.id: "active", new.id: "active", invited.id: "pending"}


@pytest.mark.parametrize("learners", [2, 40])
def test_many_take_as_many_statements_as_few(
    acme: Organization, member: Callable[..., Membership], learners: int
) -> None:
    run_id = make_run(acme, make_published_course(acme))
    people = [member(acme).id for _ in range(learners)]
    actor = system_actor("test", acme.id)

    with in_organization(acme), statements() as seen:
        enroll_members(actor=actor, run_id=run_id, member_ids=people)

    assert len(seen) == 4


def test_somebody_elses_member_is_unknown(
    acme: Organization, globex: Organization, member: Callable[..., Membership], sign_in: Callable[..., Any]
) -> None:
    run_id = make_run(acme, make_published_course(acme))
    stranger = member(globex)

    answer = sign_in(acme, Role.ADMIN).post(
        f"/api/v1/runs/{run_id}/enrollments", {"member_id": str(stranger.id)}
    )

    assert (answer.status_code, answer.json()["code"]) == (400, "unknown_member")


def test_a_full_run_refuses_the_next_and_fills_in_order(
    acme: Organization, member: Callable[..., Membership], sign_in: Callable[..., Any]
) -> None:
    run_id = make_run(acme, make_published_course(acme), capacity=3)
    make_enrollment(acme, run_id, member(acme).id)
    make_enrollment(acme, run_id, member(acme).id, state=EnrollmentState.WITHDRAWN)
    people = [member(acme) for _ in range(3)]
    admin = sign_in(acme, Role.ADMIN)

    bulk = admin.post(
        f"/api/v1/runs/{run_id}/enrollments/bulk", {"member_ids": [str(each.id) for each in people]}
    )
    single = admin.post(f"/api/v1/runs/{run_id}/enrollments", {"member_id": str(people[2].id)})
    again = admin.post(f"/api/v1/runs/{run_id}/enrollments", {"member_id": str(people[0].id)})

    assert [row["code"] for row in bulk.json()["results"]] == [None, None, "run_full"]
    assert (single.status_code, single.json()["code"]) == (409, "run_full")
    assert single.json()["facts"] == {"capacity": 3, "places_free": 0}
    assert again.status_code == 200
    smaller = admin.patch(f"/api/v1/runs/{run_id}", {"capacity": 2})
    assert (smaller.status_code, smaller.json()["code"]) == (409, "capacity_below_taken")


@pytest.mark.parametrize(
    ("label", "facts"),
    [
        ("closed", {"state": RunState.CLOSED}),
        ("cancelled", {"state": RunState.CANCELLED}),
        ("ended", {"ends_at": "past"}),
    ],
)
def test_a_run_that_is_not_open_takes_nobody(
    acme: Organization,
    member: Callable[..., Membership],
    sign_in: Callable[..., Any],
    label: str,
    facts: dict[str, Any],
) -> None:
    if "ends_at" in facts:
        facts = {"ends_at": clock.now() - timedelta(seconds=1)}
    run_id = make_run(acme, make_published_course(acme), **facts)

    answer = sign_in(acme, Role.ADMIN).post(
        f"/api/v1/runs/{run_id}/enrollments", {"member_id": str(member(acme).id)}
    )

    assert (answer.status_code, answer.json()["code"]) == (409, "run_closed")


def test_with_a_subscription_enrolling_takes_a_seat(
    acme: Organization, member: Callable[..., Membership], sign_in: Callable[..., Any]
) -> None:
    run_id = make_run(acme, make_published_course(acme))
    seated, unseated = member(acme), member(acme)
    plan = Plan.objects.create(code="team", name="Team")
    subscription = Subscription.objects.create(
        organization=acme, plan=plan, purchased=5, starts_at=clock.now()
    )
    SeatAssignment.objects.create(subscription=subscription, organization=acme, membership=seated)
    admin = sign_in(acme, Role.ADMIN)

    answers = [
        admin.post(f"/api/v1/runs/{run_id}/enrollments", {"member_id": str(each.id)})
        for each in (seated, unseated)
    ]

    assert [answer.status_code for answer in answers] == [201, 409]
    assert answers[1].json()["code"] == "seat_needed"


def test_a_manager_enrols_own_reports_only(
    acme: Organization, member: Callable[..., Membership], sign_in: Callable[..., Any]
) -> None:
    run_id = make_run(acme, make_published_course(acme))
    manager, report, other = member(acme, Role.MANAGER), member(acme), member(acme)
    with in_organization(acme):
        Member.objects.filter(pk=report.id).update(manager_id=manager.id)
    caller = sign_in(acme, manager)
    of_other = make_enrollment(acme, run_id, other.id)

    mine = caller.post(f"/api/v1/runs/{run_id}/enrollments", {"member_id": str(report.id)})
    theirs = caller.post(f"/api/v1/runs/{run_id}/enrollments", {"member_id": str(member(acme).id)})
    bulk = caller.post(f"/api/v1/runs/{run_id}/enrollments/bulk", {"member_ids": [str(member(acme).id)]})

    assert mine.status_code == 201
    assert (theirs.status_code, theirs.json()["code"]) == (403, "not_your_report")
    assert bulk.json()["results"][0]["code"] == "not_your_report"
    listed = caller.get(f"/api/v1/runs/{run_id}/enrollments").json()["results"]
    assert [row["member_id"] for row in listed] == [str(report.id)]
    assert caller.post(f"/api/v1/enrollments/{of_other}/withdraw").status_code == 404


def test_learners_see_their_own_enrollment_and_run_only(
    acme: Organization, member: Callable[..., Membership], sign_in: Callable[..., Any]
) -> None:
    course = make_published_course(acme)
    run_id, other_run = make_run(acme, course), make_run(acme, course)
    learner = member(acme)
    own = make_enrollment(acme, run_id, learner.id)
    foreign = make_enrollment(acme, run_id, member(acme).id)
    caller = sign_in(acme, learner)

    assert caller.get(f"/api/v1/enrollments/{own}").json()["id"] == str(own)
    assert caller.get(f"/api/v1/enrollments/{foreign}").status_code == 404
    assert caller.get(f"/api/v1/runs/{run_id}").status_code == 200
    assert caller.get(f"/api/v1/runs/{other_run}").status_code == 404
    assert caller.get(f"/api/v1/runs/{run_id}/enrollments").status_code == 403
    assert caller.post(f"/api/v1/enrollments/{own}/withdraw").status_code == 403


_ACTS = {
    EnrollmentState.WITHDRAWN: "withdraw",
    EnrollmentState.SUSPENDED: "suspend",
    EnrollmentState.ACTIVE: "reactivate",
}


@pytest.mark.feature("ENR-02")
@pytest.mark.parametrize("wanted", list(_ACTS))
@pytest.mark.parametrize("state", list(EnrollmentState))
def test_the_state_machine_is_enforced(
    acme: Organization,
    member: Callable[..., Membership],
    sign_in: Callable[..., Any],
    state: EnrollmentState,
    wanted: EnrollmentState,
) -> None:
    run_id = make_run(acme, make_published_course(acme))
    enrollment_id = make_enrollment(acme, run_id, member(acme).id, state=state)

    answer = sign_in(acme, Role.ADMIN).post(f"/api/v1/enrollments/{enrollment_id}/{_ACTS[wanted]}")

    with in_organization(acme):
        after = Enrollment.objects.get(pk=enrollment_id).state
    if wanted is state or wanted in ENROLLMENT_MOVES[state]:
        assert (answer.status_code, answer.json()["state"], after) == (200, wanted, wanted)
    else:
        assert (answer.status_code, answer.json()["code"]) == (409, "enrollment_move_refused")
        assert answer.json()["facts"]["allowed"] == sorted(ENROLLMENT_MOVES[state])
        assert after == state


@pytest.mark.feature("ENR-02")
def test_enrolling_again_after_withdrawal_brings_the_row_back(
    acme: Organization, member: Callable[..., Membership], sign_in: Callable[..., Any]
) -> None:
    run_id = make_run(acme, make_published_course(acme))
    learner = member(acme)
    enrollment_id = make_enrollment(acme, run_id, learner.id, state=EnrollmentState.WITHDRAWN)

    answer = sign_in(acme, Role.ADMIN).post(
        f"/api/v1/runs/{run_id}/enrollments", {"member_id": str(learner.id)}
    )

    assert (answer.status_code, answer.json()["id"]) == (201, str(enrollment_id))
    assert answer.json()["state"] == "active"


def test_coming_back_to_a_full_run_is_refused(
    acme: Organization, member: Callable[..., Membership], sign_in: Callable[..., Any]
) -> None:
    run_id = make_run(acme, make_published_course(acme), capacity=1)
    make_enrollment(acme, run_id, member(acme).id)
    away = make_enrollment(acme, run_id, member(acme).id, state=EnrollmentState.WITHDRAWN)

    answer = sign_in(acme, Role.ADMIN).post(f"/api/v1/enrollments/{away}/reactivate")

    assert (answer.status_code, answer.json()["code"]) == (409, "run_full")


@pytest.mark.parametrize("people", [3, 12])
def test_the_list_of_a_run_takes_a_constant_number_of_statements(
    acme: Organization, member: Callable[..., Membership], sign_in: Callable[..., Any], people: int
) -> None:
    run_id = make_run(acme, make_published_course(acme))
    for _ in range(people):
        make_enrollment(acme, run_id, member(acme).id)
    admin = sign_in(acme, Role.ADMIN)

    with statements() as seen:
        assert len(admin.get(f"/api/v1/runs/{run_id}/enrollments").json()["results"]) == people

    assert len(seen) == 3


@pytest.mark.feature("ENR-01")
def test_the_same_person_enrolled_eight_times_at_once_is_in_once(
    committed: None, acme: Organization, member: Callable[..., Membership]
) -> None:
    run_id, learner = make_run(acme, make_published_course(acme)), member(acme)
    actor = system_actor("race", acme.id)

    def enrol() -> tuple[EnrollOutcome, uuid.UUID]:
        row = enroll_member(actor=actor, run_id=run_id, member_id=learner.id)
        return row.outcome, row.enrollment["id"]

    results = in_parallel(acme, [enrol] * 8)

    assert sorted(outcome for outcome, _ in results) == ["already"] * 7 + ["enrolled"]
    assert len({enrollment_id for _, enrollment_id in results}) == 1


def test_eight_people_at_once_take_the_three_places_there_are(
    committed: None, acme: Organization, member: Callable[..., Membership]
) -> None:
    run_id = make_run(acme, make_published_course(acme), capacity=3)
    people, actor = [member(acme).id for _ in range(8)], system_actor("race", acme.id)

    def enrol(member_id: uuid.UUID) -> Callable[[], str]:
        return lambda: enroll_member(actor=actor, run_id=run_id, member_id=member_id).outcome

    results = in_parallel(acme, [enrol(each) for each in people])

    assert sorted(results) == ["enrolled"] * 3 + ["run_full"] * 5
    with in_organization(acme):
        assert Enrollment.objects.filter(run_id=run_id, state__in=OCCUPYING).count() == 3


def test_whoever_is_removed_leaves_the_runs_and_finished_courses_stay(
    acme: Organization, member: Callable[..., Membership], sign_in: Callable[..., Any]
) -> None:
    course = make_published_course(acme)
    open_run, done_run = make_run(acme, course, capacity=1), make_run(acme, course)
    leaver, other = member(acme), member(acme)
    left = make_enrollment(acme, open_run, leaver.id)
    done = make_enrollment(acme, done_run, leaver.id, state=EnrollmentState.COMPLETED)
    stays = make_enrollment(acme, done_run, other.id)
    admin = sign_in(acme, Role.ADMIN)

    assert admin.delete(f"/api/v1/members/{leaver.id}").status_code == 204
    with in_public():
        relay()
        relay()

    with in_organization(acme):
        states = dict(Enrollment.objects.values_list("id", "state"))
    assert states == {left: "withdrawn", done: "completed", stays: "active"}
    assert AuditEvent.objects.filter(action="runs.withdraw_departed").count() == 1
    place = admin.post(f"/api/v1/runs/{open_run}/enrollments", {"member_id": str(other.id)})
    assert place.status_code == 201


def test_whoever_was_taken_back_at_once_keeps_their_runs(
    acme: Organization, member: Callable[..., Membership], sign_in: Callable[..., Any]
) -> None:
    leaver = member(acme)
    kept = make_enrollment(acme, make_run(acme, make_published_course(acme)), leaver.id)
    admin = sign_in(acme, Role.ADMIN)
    assert admin.delete(f"/api/v1/members/{leaver.id}").status_code == 204
    assert (
        admin.post("/api/v1/invitations", {"email": leaver.user.email, "role": "learner"}).status_code == 201
    )
    with in_public():
        relay()
    with in_organization(acme):
        assert Enrollment.objects.get(pk=kept).state == "active"


def test_whoever_is_removed_loses_the_rights_on_runs_alone(
    acme: Organization, member: Callable[..., Membership], sign_in: Callable[..., Any]
) -> None:
    run_id, admin = make_run(acme, make_published_course(acme)), sign_in(acme, Role.ADMIN)
    leaver, stays, back = (member(acme, Role.INSTRUCTOR) for _ in range(3))
    for each in (leaver, stays, back):
        body = {"member_id": str(each.id), "rights": ["teach_run", "enrol_run"]}
        assert admin.put(f"/api/v1/runs/{run_id}/staff", body).status_code == 200

    for each in (leaver, back):
        assert admin.delete(f"/api/v1/members/{each.id}").status_code == 204
    admin.post("/api/v1/invitations", {"email": back.user.email, "role": "instructor"})
    with in_public():
        relay()
        relay()

    with in_organization(acme):
        held = RunRight.objects.values_list("user_id", flat=True)
        assert sorted(held) == sorted([stays.user_id] * 2 + [back.user_id] * 2)
    [event] = AuditEvent.objects.filter(action="runs.withdraw_departed")
    assert (event.target_id, event.changes) == (str(leaver.id), {"enrollments": [], "rights": 2})
