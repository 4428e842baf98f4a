"""Learning takes a seat where the organization has, or had, a subscription."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from billing.models import SeatAssignment, Subscription
from shared_apps.accounts.models import Membership
from shared_apps.core.actors import Role
from tenant_apps.learning.models import CourseProgress
from tenant_apps.runs.enums import EnrollmentState, RunState
from tenants.context import in_organization, in_public
from tenants.models import Organization
from tests.factories.courses import PublishedCourse, make_published_course
from tests.factories.runs import make_enrollment, make_run
from tests.support.measures import statements
from tests.support.subscriptions import make_subscription

Sign = Callable[..., Any]
Make = Callable[..., Membership]


def _seat(subscription: Subscription, learner: Membership) -> uuid.UUID:
    with in_public():
        return SeatAssignment.objects.create(
            subscription=subscription, organization_id=subscription.organization_id, membership=learner
        ).id


def _try(caller: Any, enrollment_id: uuid.UUID, course: PublishedCourse, place: int = 0) -> list[Any]:
    """Open and complete a lesson, read tree and list; return two statuses or codes, and the two `access`."""
    tree = f"/api/v1/my-courses/{enrollment_id}"
    lesson = f"{tree}/lessons/{course.lesson_ids[place]}"
    answers = [caller.get(lesson), caller.post(f"{lesson}/complete")]
    told = [each.json()["code"] if each.status_code == 403 else each.status_code for each in answers]
    [row] = [
        row
        for row in caller.get("/api/v1/my-courses").json()["results"]
        if row["enrollment_id"] == str(enrollment_id)
    ]
    return [*told, caller.get(tree).json()["access"], row["access"]]


OPEN = [200, 200, "open", "open"]
SHUT = ["seat_needed", "seat_needed", "seat_needed", "seat_needed"]


@pytest.mark.feature("SEA-03")
def test_lessons_open_with_a_seat_shut_without_and_open_again_with_the_next(
    acme: Organization, member: Make, sign_in: Sign
) -> None:
    course, learner = make_published_course(acme), member(acme)
    enrollment_id = make_enrollment(acme, make_run(acme, course), learner.id)
    seat_id = _seat(make_subscription(acme, 2), learner)
    caller, admin = sign_in(acme, learner), sign_in(acme, Role.ADMIN)

    with_seat = _try(caller, enrollment_id, course)
    assert admin.post(f"/api/v1/seats/{seat_id}/revoke", {}).status_code == 200
    without = _try(caller, enrollment_id, course, place=1)
    with in_organization(acme):
        kept = CourseProgress.objects.get(pk=enrollment_id).completed_count
    assert admin.post("/api/v1/seats/assign", {"member_ids": [str(learner.id)]}).status_code == 200
    again = _try(caller, enrollment_id, course, place=1)

    assert (with_seat, without, kept, again) == (OPEN, SHUT, 1, OPEN)


def test_the_refusal_says_whom_to_ask(acme: Organization, member: Make, sign_in: Sign) -> None:
    course, learner = make_published_course(acme), member(acme)
    enrollment_id = make_enrollment(acme, make_run(acme, course), learner.id)
    make_subscription(acme, 1)

    answer = sign_in(acme, learner).get(f"/api/v1/my-courses/{enrollment_id}/lessons/{course.lesson_ids[0]}")

    assert (answer.status_code, answer.json()["code"]) == (403, "seat_needed")
    assert "administrator" in answer.json()["detail"]


def test_after_a_cancellation_nobody_learns_until_the_next_subscription(
    acme: Organization, member: Make, sign_in: Sign, operator: Any
) -> None:
    course, learner = make_published_course(acme), member(acme)
    enrollment_id = make_enrollment(acme, make_run(acme, course), learner.id)
    subscription = make_subscription(acme, 1)
    _seat(subscription, learner)
    caller = sign_in(acme, learner)

    assert operator.post(f"/api/v1/subscriptions/{subscription.id}/cancel", {}).status_code == 200
    canceled = _try(caller, enrollment_id, course)
    following = make_subscription(acme, 1)
    without = _try(caller, enrollment_id, course)
    _seat(following, learner)

    assert (canceled, without) == (SHUT, SHUT)
    assert _try(caller, enrollment_id, course) == OPEN


def test_another_organizations_subscription_and_seats_say_nothing_here(
    acme: Organization, globex: Organization, member: Make, sign_in: Sign
) -> None:
    course, learner, other = make_published_course(acme), member(acme), member(acme)
    run_id = make_run(acme, course)
    theirs = make_subscription(globex, 2)
    _seat(theirs, member(globex))
    enrollment_id = make_enrollment(acme, run_id, learner.id)

    untouched = _try(sign_in(acme, learner), enrollment_id, course)
    _seat(make_subscription(acme, 1), other)
    beside = _try(sign_in(acme, learner), enrollment_id, course)

    assert (untouched, beside) == (OPEN, SHUT)


def test_a_finished_course_stays_listed_and_a_cancelled_run_says_so_first(
    acme: Organization, member: Make, sign_in: Sign
) -> None:
    course, learner = make_published_course(acme), member(acme)
    make_subscription(acme, 1)
    done = make_enrollment(acme, make_run(acme, course), learner.id, state=EnrollmentState.COMPLETED)
    make_enrollment(acme, make_run(acme, course, state=RunState.CANCELLED), learner.id)
    caller = sign_in(acme, learner)

    rows = caller.get("/api/v1/my-courses").json()["results"]

    assert [(row["state"], row["access"]) for row in rows] == [
        ("active", "cancelled"),
        ("completed", "seat_needed"),
    ]
    assert len(caller.get(f"/api/v1/my-courses/{done}").json()["modules"]) == 2


def test_looking_for_the_seat_takes_no_statement_more(
    acme: Organization, member: Make, sign_in: Sign
) -> None:
    course, learner = make_published_course(acme), member(acme)
    enrollment_id = make_enrollment(acme, make_run(acme, course), learner.id)
    caller, tree = sign_in(acme, learner), f"/api/v1/my-courses/{enrollment_id}"
    lesson = f"{tree}/lessons/{course.lesson_ids[0]}"

    def count() -> list[int]:
        found = []
        for ask, path in (
            (caller.get, tree),
            (caller.get, "/api/v1/my-courses"),
            (caller.get, lesson),
            (caller.post, f"{lesson}/complete"),
        ):
            with statements() as seen:
                assert ask(path).status_code == 200
            found.append(len(seen))
        return found

    count()  # outlines are in memory from here on
    before = count()
    _seat(make_subscription(acme, 1), learner)

    assert count() == before
