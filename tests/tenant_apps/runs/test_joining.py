"""Members who enrol themselves: where it is open to them, when, and after what."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from billing.models import Plan, SeatAssignment, Subscription
from shared_apps.accounts.models import Membership
from shared_apps.core import clock
from shared_apps.core.actors import Actor, ActorKind, Role
from tenant_apps.courses.enums import NeedKind
from tenant_apps.courses.models import Course, CoursePrerequisite
from tenant_apps.runs.enums import EnrollmentState, RunState
from tenant_apps.runs.models import CourseRun, Enrollment
from tenant_apps.runs.services.joining import join_course
from tenants.context import in_organization
from tenants.models import Organization
from tests.factories.courses import make_published_course
from tests.factories.runs import make_enrollment, make_run
from tests.support.measures import in_parallel

Make = Callable[..., Membership]
Sign = Callable[..., Any]


@pytest.mark.feature("ENR-01")
@pytest.mark.feature("ENR-03")
def test_a_member_joins_leaves_and_joins_again(acme: Organization, member: Make, sign_in: Sign) -> None:
    run_id = make_run(acme, make_published_course(acme), is_open_to_members=True)
    learner = sign_in(acme, member(acme))
    path = f"/api/v1/runs/{run_id}"

    assert learner.get(path).json()["can"]["join"] is True
    first, again = learner.post(f"{path}/join"), learner.post(f"{path}/join")

    assert (first.status_code, again.status_code) == (201, 200)
    assert (first.json()["state"], first.json()["source"]) == ("active", "self")
    assert again.json() == first.json()
    seen = learner.get(path).json()
    assert (seen["mine"]["state"], seen["can"]["join"], seen["can"]["leave"]) == ("active", False, True)
    assert learner.post(f"{path}/leave").status_code == 204
    assert learner.post(f"{path}/leave").status_code == 204
    left = learner.get(f"/api/v1/enrollments/{first.json()['id']}").json()
    assert (left["state"], left["state_reason"]) == ("withdrawn", "left")
    back = learner.post(f"{path}/join")
    assert (back.status_code, back.json()["id"], back.json()["state"]) == (201, first.json()["id"], "active")


@pytest.mark.parametrize(
    ("run", "course", "status", "code"),
    [
        ({"is_open_to_members": False}, {}, 404, "not_found"),
        ({"state": RunState.CLOSED}, {}, 404, "not_found"),
        ({}, {"state": "unpublished"}, 404, "not_found"),
        ({}, {"switches": {"self_enrollment": False}}, 403, "switched_off"),
        ({"enrollment_opens_at": timedelta(days=1)}, {}, 409, "enrollment_window_closed"),
        ({"enrollment_closes_at": timedelta(seconds=-1)}, {}, 409, "enrollment_window_closed"),
        ({"ends_at": timedelta(seconds=-1)}, {}, 409, "run_closed"),
        ({"price_minor": 4900, "currency": "eur"}, {}, 402, "payment_needed"),
        ({}, {"price_type": "paid", "price_minor": 4900, "currency": "eur"}, 402, "payment_needed"),
        ({}, {"price_type": "subscription"}, 409, "subscription_needed"),
        ({"capacity": 1}, {}, 409, "run_full"),
    ],
)
def test_where_a_run_takes_no_members_it_says_why(
    acme: Organization,
    member: Make,
    sign_in: Sign,
    run: dict[str, Any],
    course: dict[str, Any],
    status: int,
    code: str,
) -> None:
    made, now = make_published_course(acme), clock.now()
    facts = {name: now + value if isinstance(value, timedelta) else value for name, value in run.items()}
    run_id = make_run(acme, made, **{"is_open_to_members": True} | facts)
    make_enrollment(acme, run_id, member(acme).id)
    with in_organization(acme):
        Course.objects.filter(pk=made.course_id).update(**course)

    answer = sign_in(acme, member(acme)).post(f"/api/v1/runs/{run_id}/join")

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    with in_organization(acme):
        assert Enrollment.objects.count() == 1


def test_the_run_s_price_stands_before_the_course_s(acme: Organization, member: Make, sign_in: Sign) -> None:
    course = make_published_course(acme)
    with in_organization(acme):
        Course.objects.filter(pk=course.course_id).update(
            price_type="paid", price_minor=4900, currency="eur", discount_percent=50
        )
    free = make_run(acme, course, is_open_to_members=True, price_minor=0, currency="eur")
    dear = make_run(acme, course, is_open_to_members=True)
    learner = sign_in(acme, member(acme))

    assert learner.post(f"/api/v1/runs/{free}/join").status_code == 201
    refused = learner.post(f"/api/v1/runs/{dear}/join").json()
    assert refused["facts"]["price"] == {"amount_minor": 2450, "currency": "EUR"}


@pytest.mark.feature("ENR-03")
def test_with_a_seat_a_course_of_the_subscription_is_open(
    acme: Organization, member: Make, sign_in: Sign
) -> None:
    course, learner = make_published_course(acme), member(acme)
    with in_organization(acme):
        Course.objects.filter(pk=course.course_id).update(price_type="subscription")
    run_id = make_run(acme, course, is_open_to_members=True)
    plan = Plan.objects.create(code="team", name="Team")
    subscription = Subscription.objects.create(
        organization=acme, plan=plan, purchased=5, starts_at=clock.now()
    )
    SeatAssignment.objects.create(subscription=subscription, organization=acme, membership=learner)

    answer = sign_in(acme, learner).post(f"/api/v1/runs/{run_id}/join")

    assert (answer.status_code, answer.json()["source"]) == (201, "subscription")


def test_nobody_leaves_what_others_gave_them_or_finished(
    acme: Organization, member: Make, sign_in: Sign
) -> None:
    course, given, done = make_published_course(acme), member(acme), member(acme)
    run_id = make_run(acme, course, is_open_to_members=True)
    make_enrollment(acme, run_id, given.id)
    make_enrollment(acme, run_id, done.id, state=EnrollmentState.COMPLETED, source="self")

    refused = sign_in(acme, given).post(f"/api/v1/runs/{run_id}/leave")
    finished = sign_in(acme, done).post(f"/api/v1/runs/{run_id}/leave")
    stranger = sign_in(acme, member(acme)).post(f"/api/v1/runs/{run_id}/leave")

    assert (refused.status_code, refused.json()["code"]) == (403, "not_yours_to_leave")
    assert (finished.status_code, finished.json()["code"]) == (409, "enrollment_move_refused")
    assert stranger.status_code == 404


@pytest.mark.parametrize(
    "state", [EnrollmentState.EXPIRED, EnrollmentState.REFUNDED, EnrollmentState.WITHDRAWN]
)
def test_whose_access_was_ended_does_not_come_back_by_joining(
    acme: Organization, member: Make, sign_in: Sign, state: EnrollmentState
) -> None:
    run_id, learner = make_run(acme, make_published_course(acme), is_open_to_members=True), member(acme)
    make_enrollment(acme, run_id, learner.id, state=state)

    answer = sign_in(acme, learner).post(f"/api/v1/runs/{run_id}/join")

    assert (answer.status_code, answer.json()["code"]) == (409, "access_over")


def test_leaving_and_coming_back_gains_no_time(acme: Organization, member: Make, sign_in: Sign) -> None:
    course, learner = make_published_course(acme), member(acme)
    with in_organization(acme):
        Course.objects.filter(pk=course.course_id).update(access_type="limited", access_days=30)
    run_id, now = make_run(acme, course, is_open_to_members=True), clock.now()
    caller, path = sign_in(acme, learner), f"/api/v1/runs/{run_id}"

    with clock.frozen_at(now):
        first = caller.post(f"{path}/join").json()
    with clock.frozen_at(now + timedelta(minutes=5)):
        caller.post(f"{path}/leave")
        back = caller.post(f"{path}/join").json()
    with clock.frozen_at(now + timedelta(minutes=6)):
        caller.post(f"{path}/leave")
    with in_organization(acme):
        Enrollment.objects.update(expires_at=now)
    late = caller.post(f"{path}/join")

    ends = (now + timedelta(days=30)).isoformat().replace("+00:00", "Z")
    assert (first["expires_at"], back["expires_at"]) == (ends, ends)
    assert (late.status_code, late.json()["code"]) == (409, "access_over")


@pytest.mark.feature("CAT-12")
def test_required_courses_come_first_and_advised_ones_are_told(
    acme: Organization, member: Make, sign_in: Sign
) -> None:
    course, basics, extra = (
        make_published_course(acme, title=title) for title in ("Main", "Basics", "Extra")
    )
    run_id = make_run(acme, course, is_open_to_members=True)
    ready, new = member(acme), member(acme)
    with in_organization(acme):
        CoursePrerequisite.objects.create(
            course_id=course.course_id, needs_id=basics.course_id, kind=NeedKind.REQUIRED
        )
        CoursePrerequisite.objects.create(
            course_id=course.course_id, needs_id=extra.course_id, kind=NeedKind.ADVISED
        )
    make_enrollment(
        acme,
        make_run(acme, basics),
        ready.id,
        state=EnrollmentState.COMPLETED,
        completed_at=clock.now(),
    )
    admin, path = sign_in(acme, Role.ADMIN), f"/api/v1/runs/{run_id}/enrollments"

    joined = sign_in(acme, ready).post(f"/api/v1/runs/{run_id}/join")
    refused = sign_in(acme, new).post(f"/api/v1/runs/{run_id}/join")
    by_admin = admin.post(path, {"member_id": str(new.id)})
    bulk = admin.post(f"{path}/bulk", {"member_ids": [str(ready.id), str(new.id)]}).json()["results"]
    forced = admin.post(path, {"member_id": str(new.id), "ignore_prerequisites": True})

    missing = [{"course_id": str(basics.course_id), "slug": _slug(acme, basics), "title": "Basics"}]
    assert joined.status_code == 201
    assert [each["title"] for each in joined.json()["advised"]] == ["Extra"]
    assert (refused.status_code, refused.json()["code"]) == (409, "prerequisites_missing")
    assert refused.json()["facts"]["missing"] == missing
    assert by_admin.json()["facts"]["missing"] == missing
    assert [(row["outcome"], row["code"]) for row in bulk] == [
        ("already", None),
        ("refused", "prerequisites_missing"),
    ]
    assert forced.status_code == 201


def test_only_administrators_enrol_past_prerequisites(
    acme: Organization, member: Make, sign_in: Sign
) -> None:
    run_id, teacher = make_run(acme, make_published_course(acme)), member(acme, Role.INSTRUCTOR)
    rights = {"member_id": str(teacher.id), "rights": ["enrol_run"]}
    sign_in(acme, Role.ADMIN).put(f"/api/v1/runs/{run_id}/staff", rights)

    answer = sign_in(acme, teacher).post(
        f"/api/v1/runs/{run_id}/enrollments",
        {"member_id": str(member(acme).id), "ignore_prerequisites": True},
    )

    assert answer.status_code == 403


def test_a_course_without_dates_has_one_run_that_is_always_open(
    acme: Organization, member: Make, sign_in: Sign
) -> None:
    course, admin = make_published_course(acme), sign_in(acme, Role.ADMIN)
    path = f"/api/v1/courses/{course.course_id}"

    joined = sign_in(acme, member(acme)).post(f"{path}/join")
    found = admin.post(f"{path}/always-open-run")

    assert (joined.status_code, found.status_code) == (201, 200)
    assert joined.json()["run_id"] == found.json()["run_id"]
    run = admin.get(f"/api/v1/runs/{found.json()['run_id']}").json()
    assert (run["is_always_open"], run["pacing"], run["starts_at"], run["capacity"]) == (
        True,
        "self_paced",
        None,
        None,
    )
    assert run["version_id"] == str(course.version_id)
    # A cancelled one makes room for another.
    admin.post(f"/api/v1/runs/{run['id']}/cancel")
    another = admin.post(f"{path}/always-open-run")
    assert another.status_code == 201
    assert another.json()["run_id"] != run["id"]


def test_a_course_that_members_do_not_find_cannot_be_joined(
    acme: Organization, member: Make, sign_in: Sign
) -> None:
    hidden, draft, off = (make_published_course(acme) for _ in range(3))
    with in_organization(acme):
        Course.objects.filter(pk=hidden.course_id).update(is_listed=False)
        Course.objects.filter(pk=draft.course_id).update(state="unpublished")
        Course.objects.filter(pk=off.course_id).update(switches={"self_enrollment": False})
    learner, admin = sign_in(acme, member(acme)), sign_in(acme, Role.ADMIN)

    answers = [learner.post(f"/api/v1/courses/{each.course_id}/join") for each in (hidden, draft, off)]

    assert [answer.status_code for answer in answers] == [404, 404, 403]
    with in_organization(acme):
        assert CourseRun.objects.count() == 0
    refused = admin.post(f"/api/v1/courses/{draft.course_id}/always-open-run")
    assert (refused.status_code, refused.json()["code"]) == (409, "course_not_offered")


def test_eight_who_need_the_always_open_run_at_once_make_one(
    committed: None, acme: Organization, member: Make
) -> None:
    course, people = make_published_course(acme), [member(acme) for _ in range(8)]

    def join(who: Membership) -> Callable[[], Any]:
        actor = Actor(
            kind=ActorKind.MEMBER,
            user_id=who.user_id,
            membership_id=who.id,
            organization_id=acme.id,
            role=Role.LEARNER,
        )
        return lambda: join_course(actor=actor, course_id=course.course_id)[0]

    results = in_parallel(acme, [join(who) for who in people])

    assert len(set(results)) == 1
    with in_organization(acme):
        assert CourseRun.objects.count() == 1
        assert Enrollment.objects.count() == 8


def _slug(acme: Organization, course: Any) -> str:
    with in_organization(acme):
        return Course.objects.get(pk=course.course_id).slug
