"""Completing lessons and, with the last one, the course."""

import random
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from shared_apps.accounts.models import Membership
from shared_apps.core import clock
from shared_apps.core.actors import Actor, ActorKind, Role
from shared_apps.outbox.models import OutboxMessage
from tenant_apps.learning.models import CourseProgress, LessonRecord
from tenant_apps.learning.services.lessons import complete_lesson, open_lesson
from tenant_apps.runs.enums import EnrollmentState, RunState
from tenant_apps.runs.models import CourseRun, Enrollment
from tenants.context import in_organization
from tenants.models import Organization
from tests.factories.courses import PublishedCourse, make_published_course
from tests.factories.runs import make_enrollment, make_run
from tests.support.measures import in_parallel, statements

Sign = Callable[..., Any]
Make = Callable[..., Membership]

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


def _lesson(enrollment_id: uuid.UUID, course: PublishedCourse, place: int) -> str:
    return f"/api/v1/my-courses/{enrollment_id}/lessons/{course.lesson_ids[place]}"


def _actor(membership: Membership) -> Actor:
    return Actor(
        kind=ActorKind.MEMBER,
        user_id=membership.user_id,
        membership_id=membership.id,
        organization_id=membership.organization_id,
        role=Role.LEARNER,
    )


@pytest.mark.feature("PRG-02")
def test_completing_twice_keeps_the_first_time(acme: Organization, member: Make, sign_in: Sign) -> None:
    course, learner = make_published_course(acme), member(acme)
    enrollment_id = make_enrollment(acme, make_run(acme, course), learner.id)
    caller, path = sign_in(acme, learner), _lesson(enrollment_id, course, 0)

    with clock.frozen_at(NOON):
        first = caller.post(f"{path}/complete")
    with clock.frozen_at(NOON + timedelta(minutes=5)):
        second = caller.post(f"{path}/complete")

    assert (first.status_code, second.status_code) == (200, 200)
    assert first.json() == second.json()
    assert first.json() == {
        "enrollment_id": str(enrollment_id),
        "lesson_id": str(course.lesson_ids[0]),
        "completed_at": "2026-05-04T12:00:00Z",
        "completed": 1,
        "total": 6,
        "percent": 16,
        "state": "active",
    }
    with in_organization(acme):
        assert LessonRecord.objects.filter(completed_at=NOON).count() == 1


@pytest.mark.feature("PRG-02")
def test_completing_takes_two_statements_beside_the_sign_in(
    acme: Organization, member: Make, sign_in: Sign
) -> None:
    course, learner = make_published_course(acme), member(acme)
    enrollment_id = make_enrollment(acme, make_run(acme, course), learner.id)
    caller = sign_in(acme, learner)
    caller.post(f"{_lesson(enrollment_id, course, 0)}/complete")

    with statements() as seen:
        caller.post(f"{_lesson(enrollment_id, course, 1)}/complete")

    assert len(seen) == 3


@pytest.mark.feature("PRG-02")
@pytest.mark.feature("VER-05")
@pytest.mark.feature("ENR-05")
@pytest.mark.parametrize(
    ("run", "enrollment", "code"),
    [
        ({"starts_at": NOON}, {}, None),
        ({"starts_at": NOON + timedelta(microseconds=1)}, {}, "run_not_open"),
        ({"ends_at": NOON + timedelta(microseconds=1)}, {}, None),
        ({"ends_at": NOON}, {}, "run_not_open"),
        ({"state": RunState.CANCELLED}, {}, "run_not_open"),
        ({"state": RunState.CLOSED}, {}, None),
        ({}, {"expires_at": NOON + timedelta(microseconds=1)}, None),
        ({}, {"expires_at": NOON}, "enrollment_expired"),
        ({}, {"state": EnrollmentState.SUSPENDED}, "enrollment_not_active"),
        ({}, {"state": EnrollmentState.WITHDRAWN}, "enrollment_not_active"),
        ({}, {"state": EnrollmentState.PENDING}, None),
        ({}, {"state": EnrollmentState.COMPLETED}, None),
    ],
)
def test_lessons_are_open_in_the_window_and_no_longer(
    acme: Organization,
    member: Make,
    sign_in: Sign,
    run: dict[str, Any],
    enrollment: dict[str, Any],
    code: str | None,
) -> None:
    course, learner = make_published_course(acme), member(acme)
    enrollment_id = make_enrollment(acme, make_run(acme, course, **run), learner.id, **enrollment)
    caller, path = sign_in(acme, learner), _lesson(enrollment_id, course, 0)

    with clock.frozen_at(NOON):
        read, done = caller.get(path), caller.post(f"{path}/complete")

    with in_organization(acme):
        written = LessonRecord.objects.filter(completed_at__isnull=False).count()
    if code is None:
        assert (read.status_code, done.status_code, written) == (200, 200, 1)
    else:
        assert [answer.status_code for answer in (read, done)] == [403, 403]
        assert [answer.json()["code"] for answer in (read, done)] == [code, code]
        assert written == 0


@pytest.mark.feature("VER-05")
def test_the_refusal_says_when_the_run_opens(acme: Organization, member: Make, sign_in: Sign) -> None:
    course, learner = make_published_course(acme), member(acme)
    run_id = make_run(
        acme,
        course,
        starts_at=NOON,
        ends_at=NOON + timedelta(days=1),
        timezone="Europe/Berlin",
    )
    enrollment_id = make_enrollment(acme, run_id, learner.id)

    caller = sign_in(acme, learner)

    with clock.frozen_at(NOON - timedelta(hours=1)):
        answer = caller.post(f"{_lesson(enrollment_id, course, 0)}/complete")

    assert answer.json()["facts"] == {
        "reason": "not_started",
        "opens_at": "2026-05-04T12:00:00Z",
        "closes_at": "2026-05-05T12:00:00Z",
        "timezone": "Europe/Berlin",
    }


@pytest.mark.feature("ENR-02")
def test_the_first_step_makes_a_pending_enrollment_active(
    acme: Organization, member: Make, sign_in: Sign
) -> None:
    course, learner = make_published_course(acme), member(acme)
    enrollment_id = make_enrollment(
        acme, make_run(acme, course), learner.id, state=EnrollmentState.PENDING, activated_at=None
    )

    caller = sign_in(acme, learner)

    with clock.frozen_at(NOON):
        answer = caller.post(f"{_lesson(enrollment_id, course, 0)}/complete")

    assert answer.json()["state"] == "active"
    with in_organization(acme):
        found = Enrollment.objects.get(pk=enrollment_id)
    assert (found.state, found.activated_at) == ("active", NOON)


@pytest.mark.feature("PRG-03")
def test_the_last_required_lesson_completes_the_course_and_sends_one_event(
    acme: Organization, member: Make, sign_in: Sign
) -> None:
    course = make_published_course(acme, modules=2, lessons=2, optional=frozenset({1}), hidden=frozenset({3}))
    learner = member(acme)
    enrollment_id = make_enrollment(acme, make_run(acme, course), learner.id)
    caller = sign_in(acme, learner)

    first = caller.post(f"{_lesson(enrollment_id, course, 0)}/complete").json()
    with clock.frozen_at(NOON):
        last = caller.post(f"{_lesson(enrollment_id, course, 2)}/complete").json()
    again = caller.post(f"{_lesson(enrollment_id, course, 2)}/complete").json()
    optional = caller.post(f"{_lesson(enrollment_id, course, 1)}/complete").json()

    assert (first["state"], first["percent"]) == ("active", 33)
    assert (last["state"], last["percent"]) == ("completed", 66)
    assert (again["state"], again["completed"]) == ("completed", 2)
    assert (optional["state"], optional["percent"]) == ("completed", 100)
    with in_organization(acme):
        found = Enrollment.objects.get(pk=enrollment_id)
    assert (found.state, found.completed_at) == ("completed", NOON)
    event = OutboxMessage.objects.get(topic="event.course_completed")
    assert event.organization_id == acme.id
    assert event.dedupe_key == f"course_completed:{enrollment_id}"
    assert event.payload["enrollment_id"] == str(enrollment_id)
    assert event.payload["course_id"] == str(course.course_id)


@pytest.mark.feature("PRG-03")
def test_a_course_without_required_lessons_takes_all_of_them(
    acme: Organization, member: Make, sign_in: Sign
) -> None:
    course = make_published_course(acme, modules=1, lessons=2, optional=frozenset({0, 1}))
    learner = member(acme)
    enrollment_id = make_enrollment(acme, make_run(acme, course), learner.id)
    caller = sign_in(acme, learner)

    states = [
        caller.post(f"{_lesson(enrollment_id, course, place)}/complete").json()["state"] for place in (0, 1)
    ]

    assert states == ["active", "completed"]


@pytest.mark.feature("PRG-01")
@pytest.mark.parametrize("seed", range(6))
def test_stored_progress_equals_a_recount(acme: Organization, member: Make, sign_in: Sign, seed: int) -> None:
    chance = random.Random(seed)
    places = range(12)
    optional = frozenset(chance.sample(places, 4))
    hidden = frozenset(chance.sample(places, 2))
    course = make_published_course(acme, modules=3, lessons=4, optional=optional, hidden=hidden)
    learner = member(acme)
    enrollment_id = make_enrollment(acme, make_run(acme, course), learner.id)
    caller, done = sign_in(acme, learner), set()

    for place in chance.choices(places, k=20):
        path = _lesson(enrollment_id, course, place)
        answer = caller.post(f"{path}/complete") if chance.random() < 0.7 else caller.get(path)
        assert answer.status_code == (404 if place in hidden else 200)
        if answer.status_code == 200 and "completed" in answer.json():
            done.add(place)

        with in_organization(acme):
            rows = LessonRecord.objects.filter(enrollment_id=enrollment_id, completed_at__isnull=False)
            assert set(rows.values_list("lesson_id", flat=True)) == {course.lesson_ids[each] for each in done}
            stored = CourseProgress.objects.filter(enrollment_id=enrollment_id).first()
            if stored is not None:
                assert stored.completed_count == len(done)
                assert stored.required_completed_count == len(done - optional)
        row = caller.get("/api/v1/my-courses").json()["results"][0]
        assert row["progress"]["percent"] == len(done) * 100 // 10
        finished = done >= set(places) - optional - hidden
        assert (row["state"] == "completed") is finished


def test_reading_notes_the_place_and_does_not_wait_for_a_writer(
    committed: None, acme: Organization, member: Make
) -> None:
    course, learner = make_published_course(acme), member(acme)
    enrollment_id = make_enrollment(acme, make_run(acme, course), learner.id)
    actor = _actor(learner)
    with in_organization(acme):
        complete_lesson(actor=actor, enrollment_id=enrollment_id, lesson_id=course.lesson_ids[0])

    def read() -> str:
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '10s'")
        found = open_lesson(actor=actor, enrollment_id=enrollment_id, lesson_id=course.lesson_ids[1])
        return str(found["title"])

    with in_organization(acme), transaction.atomic():
        CourseProgress.objects.select_for_update().get(pk=enrollment_id)
        assert in_parallel(acme, [read]) == ["Lesson 2"]
    with in_organization(acme):
        assert CourseProgress.objects.get(pk=enrollment_id).last_lesson_id == course.lesson_ids[0]
        open_lesson(actor=actor, enrollment_id=enrollment_id, lesson_id=course.lesson_ids[1])
        assert CourseProgress.objects.get(pk=enrollment_id).last_lesson_id == course.lesson_ids[1]


@pytest.mark.feature("PRG-03")
def test_the_last_lessons_completed_at_once_complete_the_course_once(
    committed: None, acme: Organization, member: Make
) -> None:
    course, learner = make_published_course(acme, modules=2, lessons=4), member(acme)
    run_id, actor = make_run(acme, course), _actor(learner)
    for attempt in range(5):
        with in_organization(acme):
            CourseRun.objects.filter(pk=run_id).update(title=f"Attempt {attempt}")
        enrollment_id = make_enrollment(acme, make_run(acme, course), learner.id)

        def complete(lesson_id: uuid.UUID, enrollment_id: uuid.UUID = enrollment_id) -> Callable[[], str]:
            return lambda: (
                complete_lesson(actor=actor, enrollment_id=enrollment_id, lesson_id=lesson_id).state
            )

        # Every lesson twice at once: sixteen steps, eight of them repeats.
        results = in_parallel(acme, [complete(each) for each in course.lesson_ids * 2])

        assert set(results) <= {"active", "completed"}
        assert "completed" in results
        with in_organization(acme):
            found = CourseProgress.objects.get(pk=enrollment_id)
            assert (found.completed_count, found.required_completed_count) == (8, 8)
            assert Enrollment.objects.get(pk=enrollment_id).state == EnrollmentState.COMPLETED
        events = OutboxMessage.objects.filter(payload__enrollment_id=str(enrollment_id))
        assert events.count() == 1


@pytest.mark.parametrize("people", [2, 9])
def test_progress_of_a_run_takes_a_constant_number_of_statements(
    acme: Organization, member: Make, sign_in: Sign, people: int
) -> None:
    course = make_published_course(acme, modules=1, lessons=4)
    run_id = make_run(acme, course)
    learners = [member(acme) for _ in range(people)]
    enrollments = [make_enrollment(acme, run_id, each.id) for each in learners]
    sign_in(acme, learners[0]).post(f"{_lesson(enrollments[0], course, 0)}/complete")
    admin = sign_in(acme, Role.ADMIN)

    with statements() as seen:
        rows = admin.get(f"/api/v1/runs/{run_id}/progress").json()["results"]

    found = {row["enrollment_id"]: (row["completed"], row["total"], row["percent"]) for row in rows}
    assert found == {str(each): (0, 4, 0) for each in enrollments} | {str(enrollments[0]): (1, 4, 25)}
    assert len(seen) == 4


def test_progress_of_a_run_is_for_those_who_teach_it(acme: Organization, member: Make, sign_in: Sign) -> None:
    run_id, learner = make_run(acme, make_published_course(acme)), member(acme)
    make_enrollment(acme, run_id, learner.id)
    path = f"/api/v1/runs/{run_id}/progress"

    assert sign_in(acme, learner).get(path).status_code == 403
    assert sign_in(acme, Role.INSTRUCTOR).get(path).status_code == 404
    assert sign_in(acme, Role.ADMIN).get(path).status_code == 200
    assert sign_in(acme, Role.MANAGER).get(path).json()["results"] == []
