"""Beginning again: a new attempt beside the old ones."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission

from shared_apps.accounts.models import Membership
from shared_apps.audit.models import AuditEvent
from shared_apps.core import clock
from shared_apps.core.actors import Actor, ActorKind, Role
from shared_apps.outbox.models import OutboxMessage
from tenant_apps.learning.models import CourseProgress, EnrollmentAttempt, LessonRecord
from tenant_apps.learning.services.attempts import restart_enrollment
from tenant_apps.learning.services.lessons import complete_lesson
from tenant_apps.learning.services.recounting import recount_progress
from tenant_apps.runs.enums import EnrollmentState
from tenant_apps.runs.models import Enrollment, RunRight
from tenants.context import in_organization
from tenants.models import Organization
from tests.factories.courses import make_published_course
from tests.factories.ruled_courses import LessonPlan, ModulePlan, make_ruled_course
from tests.factories.runs import make_enrollment, make_run
from tests.support.measures import in_parallel

Sign = Callable[..., Any]
Make = Callable[..., Membership]

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)


def _actor(membership: Membership, role: Role) -> Actor:
    return Actor(
        kind=ActorKind.MEMBER,
        user_id=membership.user_id,
        membership_id=membership.id,
        organization_id=membership.organization_id,
        role=role,
    )


@pytest.mark.feature("P12")
@pytest.mark.feature("PRG-03")
def test_a_restart_keeps_the_old_attempt_and_begins_with_nothing(
    acme: Organization, member: Make, sign_in: Sign
) -> None:
    course, learner = make_published_course(acme, modules=1, lessons=2), member(acme)
    enrollment_id = make_enrollment(acme, make_run(acme, course), learner.id)
    caller, admin = sign_in(acme, learner), sign_in(acme, Role.ADMIN)
    lessons = [f"/api/v1/my-courses/{enrollment_id}/lessons/{each}" for each in course.lesson_ids]
    base = f"/api/v1/enrollments/{enrollment_id}"
    with clock.frozen_at(NOON):
        for lesson in lessons:
            caller.post(f"{lesson}/complete")

    with clock.frozen_at(NOON + timedelta(days=1)):
        answer = admin.post(f"{base}/restart", {"reason": "Failed the audit", "attempt": 1})
        tree = caller.get(f"/api/v1/my-courses/{enrollment_id}").json()

    assert (answer.status_code, answer.json()["number"], answer.json()["lessons"]) == (201, 2, [])
    assert (tree["attempt"], tree["state"], tree["progress"]["completed"]) == (2, "active", 0)
    assert tree["completed_at"] is None
    assert not any(line["is_completed"] for module in tree["modules"] for line in module["lessons"])
    for asking in (caller, admin):
        attempts = asking.get(f"{base}/attempts").json()["attempts"]
        assert [(each["number"], each["is_current"], each["state"]) for each in attempts] == [
            (2, True, "active"),
            (1, False, "completed"),
        ]
        assert (attempts[1]["completed_count"], attempts[1]["percent"]) == (2, 100)
        assert (attempts[1]["completed_at"], attempts[1]["reason"]) == (
            "2026-12-01T12:00:00Z",
            "Failed the audit",
        )
        old = asking.get(f"{base}/attempt-lessons?number=1").json()["lessons"]
        assert [(each["title"], each["completed_at"]) for each in old] == [
            ("Lesson 1", "2026-12-01T12:00:00Z"),
            ("Lesson 2", "2026-12-01T12:00:00Z"),
        ]

    # The second time round is completed as the first was, with an event of its own.
    assert [caller.post(f"{lesson}/complete").json()["state"] for lesson in lessons] == [
        "active",
        "completed",
    ]
    assert OutboxMessage.objects.filter(topic="event.course_completed").count() == 2
    assert AuditEvent.objects.filter(action="learning.teach", target_id=str(enrollment_id)).count() == 1
    with in_organization(acme):
        assert LessonRecord.objects.filter(enrollment_id=enrollment_id).count() == 4
        assert recount_progress() == []


@pytest.mark.feature("P12")
def test_days_of_release_rules_count_from_the_restart(
    acme: Organization, member: Make, sign_in: Sign
) -> None:
    plan = [ModulePlan([LessonPlan(), LessonPlan({"release": {"kind": "days", "days": 2}})])]
    course, learner = make_ruled_course(acme, plan), member(acme)
    enrollment_id = make_enrollment(
        acme, make_run(acme, course), learner.id, activated_at=NOON - timedelta(days=9)
    )
    caller, admin = sign_in(acme, learner), sign_in(acme, Role.ADMIN)
    lessons = [f"/api/v1/my-courses/{enrollment_id}/lessons/{each}" for each in course.lesson_ids]

    with clock.frozen_at(NOON):
        before = caller.get(lessons[1]).status_code
        admin.post(f"/api/v1/enrollments/{enrollment_id}/restart", {"reason": "Again"})
        after = caller.get(lessons[1]).json()

    assert before == 200
    assert (after["code"], after["facts"]["opens_at"]) == ("lesson_not_released", "2026-12-03T12:00:00Z")


@pytest.mark.feature("P12")
@pytest.mark.parametrize(
    ("label", "state", "visited", "body", "reason"),
    [
        ("nothing done", EnrollmentState.ACTIVE, False, {}, "nothing_done"),
        ("suspended", EnrollmentState.SUSPENDED, True, {}, "state"),
        ("withdrawn", EnrollmentState.WITHDRAWN, True, {}, "state"),
        ("another attempt", EnrollmentState.ACTIVE, True, {"attempt": 2}, "another_attempt"),
    ],
)
def test_there_is_nothing_to_begin_again(
    acme: Organization,
    member: Make,
    sign_in: Sign,
    label: str,
    state: EnrollmentState,
    visited: bool,
    body: dict[str, int],
    reason: str,
) -> None:
    course, learner = make_published_course(acme), member(acme)
    enrollment_id = make_enrollment(acme, make_run(acme, course), learner.id)
    if visited:
        path = f"/api/v1/my-courses/{enrollment_id}/lessons/{course.lesson_ids[0]}"
        sign_in(acme, learner).get(path)
    with in_organization(acme):
        Enrollment.objects.filter(pk=enrollment_id).update(state=state)

    answer = sign_in(acme, Role.ADMIN).post(
        f"/api/v1/enrollments/{enrollment_id}/restart", {"reason": "Again"} | body
    )

    assert (answer.status_code, answer.json()["code"]) == (409, "restart_refused"), label
    assert answer.json()["facts"]["reason"] == reason
    with in_organization(acme):
        assert EnrollmentAttempt.objects.count() == 0


@pytest.mark.feature("P12")
def test_who_teaches_the_run_restarts_and_nobody_else(
    acme: Organization, member: Make, sign_in: Sign
) -> None:
    course, learner, teacher = make_published_course(acme), member(acme), member(acme, Role.INSTRUCTOR)
    run_id = make_run(acme, course)
    enrollment_id = make_enrollment(acme, run_id, learner.id)
    caller = sign_in(acme, learner)
    caller.get(f"/api/v1/my-courses/{enrollment_id}/lessons/{course.lesson_ids[0]}")
    path, body = f"/api/v1/enrollments/{enrollment_id}/restart", {"reason": "Again"}

    assert caller.post(path, body).status_code == 403
    assert sign_in(acme, teacher).post(path, body).status_code == 404
    assert sign_in(acme, Role.MANAGER).post(path, body).status_code == 404
    with in_organization(acme):
        assert EnrollmentAttempt.objects.count() == 0
        RunRight.objects.create(
            user_id=teacher.user_id,
            permission=Permission.objects.get(codename="teach_run"),
            content_object_id=run_id,
        )
    assert sign_in(acme, teacher).post(path, body).status_code == 201


@pytest.mark.feature("P12")
def test_two_restarts_at_once_are_one(committed: None, acme: Organization, member: Make) -> None:
    course, learner, admin = make_published_course(acme), member(acme), member(acme, Role.ADMIN)
    enrollment_id = make_enrollment(acme, make_run(acme, course), learner.id)
    with in_organization(acme):
        complete_lesson(
            actor=_actor(learner, Role.LEARNER), enrollment_id=enrollment_id, lesson_id=course.lesson_ids[0]
        )

    def restart() -> int:
        return restart_enrollment(
            actor=_actor(admin, Role.ADMIN), enrollment_id=enrollment_id, reason="Again"
        )

    results = in_parallel(acme, [restart] * 4)

    assert sorted(map(str, results)) == ["2", *["restart_refused"] * 3]
    with in_organization(acme):
        assert list(EnrollmentAttempt.objects.values_list("number", flat=True)) == [1]


@pytest.mark.feature("P12")
def test_a_completion_beside_a_restart_belongs_to_one_attempt(
    committed: None, acme: Organization, member: Make
) -> None:
    course, learner, admin = make_published_course(acme), member(acme), member(acme, Role.ADMIN)
    run_id = make_run(acme, course)
    enrollment_id = make_enrollment(acme, run_id, learner.id)
    own = _actor(learner, Role.LEARNER)
    with in_organization(acme):
        complete_lesson(actor=own, enrollment_id=enrollment_id, lesson_id=course.lesson_ids[0])

    def complete(place: int) -> Callable[[], str]:
        return lambda: (
            complete_lesson(actor=own, enrollment_id=enrollment_id, lesson_id=course.lesson_ids[place]).state
        )

    def restart() -> int:
        return restart_enrollment(
            actor=_actor(admin, Role.ADMIN), enrollment_id=enrollment_id, reason="Again"
        )

    in_parallel(acme, [complete(1), restart, complete(2), complete(3)])

    with in_organization(acme):
        kept = EnrollmentAttempt.objects.get(enrollment_id=enrollment_id)
        old, new = (
            LessonRecord.objects.filter(
                enrollment_id=enrollment_id, attempt=number, completed_at__isnull=False
            ).count()
            for number in (1, 2)
        )
        assert (old, new) == (kept.completed_count, 4 - kept.completed_count)
        assert CourseProgress.objects.get(pk=enrollment_id).completed_count == new
        assert recount_progress() == []


@pytest.mark.feature("ENR-04")
@pytest.mark.feature("CNT-15")
def test_days_go_on_counting_over_a_suspension(acme: Organization, member: Make, sign_in: Sign) -> None:
    """An attempt has a start of its own from the first restart on; until then it begins with the access."""
    lesson = LessonPlan({"release": {"kind": "days", "days": 3}})
    course, learner = make_ruled_course(acme, [ModulePlan([lesson])]), member(acme)
    enrollment_id = make_enrollment(acme, make_run(acme, course), learner.id, activated_at=NOON)
    caller, admin = sign_in(acme, learner), sign_in(acme, Role.ADMIN)
    path = f"/api/v1/my-courses/{enrollment_id}/lessons/{course.lesson_ids[0]}"

    with clock.frozen_at(NOON + timedelta(days=2)):
        admin.post(f"/api/v1/enrollments/{enrollment_id}/suspend")
        admin.post(f"/api/v1/enrollments/{enrollment_id}/reactivate")

    with clock.frozen_at(NOON + timedelta(days=3, seconds=-1)):
        assert caller.get(path).json()["code"] == "lesson_not_released"
    with clock.frozen_at(NOON + timedelta(days=3)):
        assert caller.get(path).status_code == 200
