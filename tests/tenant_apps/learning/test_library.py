"""What learners see of their courses."""

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from rest_framework import serializers

from api.v1.learning.serializers import (
    LessonCompletedOut,
    LessonOut,
    MyCoursePageOut,
    MyCourseTreeOut,
)
from shared_apps.accounts.models import Membership, User
from shared_apps.core import clock
from shared_apps.core.actors import Role
from tenant_apps.courses.models import Course
from tenant_apps.people.models import Member
from tenant_apps.runs.enums import EnrollmentSource, EnrollmentState, RunState
from tenants.context import in_organization
from tenants.models import Organization
from tests.factories.courses import make_published_course, publish_another_version
from tests.factories.runs import make_enrollment, make_run
from tests.support.measures import statements

Sign = Callable[..., Any]
Make = Callable[..., Membership]


def _fits(serializer: Any, answer: Any) -> None:
    """The plain answer has exactly the serializer's fields, and the serializer reads its values."""
    if isinstance(serializer, serializers.ListSerializer):
        for each in answer:
            _fits(serializer.child, each)
        return
    assert isinstance(serializer, serializers.Serializer)
    assert set(answer) == set(serializer.fields)
    for name, field in serializer.fields.items():
        if answer[name] is None:
            assert field.allow_null, name
        elif isinstance(field, serializers.BaseSerializer):
            _fits(field, answer[name])
        else:
            field.run_validation(answer[name])


@pytest.mark.feature("VER-02")
@pytest.mark.feature("CNT-19")
def test_the_whole_tree_comes_in_order_in_one_call(acme: Organization, member: Make, sign_in: Sign) -> None:
    course = make_published_course(acme, modules=3, lessons=4)
    learner = member(acme)
    enrollment_id = make_enrollment(acme, make_run(acme, course), learner.id)

    tree = sign_in(acme, learner).get(f"/api/v1/my-courses/{enrollment_id}").json()

    assert [module["id"] for module in tree["modules"]] == [str(each) for each in course.module_ids]
    lessons = [lesson for module in tree["modules"] for lesson in module["lessons"]]
    assert [lesson["id"] for lesson in lessons] == [str(each) for each in course.lesson_ids]
    assert [lesson["title"] for lesson in lessons] == [f"Lesson {place}" for place in range(1, 13)]
    assert not any(lesson["is_completed"] for lesson in lessons)


@pytest.mark.feature("VER-02")
@pytest.mark.parametrize(("modules", "lessons"), [(1, 2), (10, 10)])
def test_tree_and_list_take_one_statement_each(
    acme: Organization, member: Make, sign_in: Sign, modules: int, lessons: int
) -> None:
    learner = member(acme)
    enrollments = [
        make_enrollment(
            acme,
            make_run(acme, make_published_course(acme, modules=modules, lessons=lessons)),
            learner.id,
        )
        for _ in range(modules)
    ]
    caller = sign_in(acme, learner)

    with statements() as cold:
        assert len(caller.get("/api/v1/my-courses").json()["results"]) == modules
    with statements() as warm:
        caller.get("/api/v1/my-courses")
    with statements() as tree:
        caller.get(f"/api/v1/my-courses/{enrollments[0]}")

    # Each beside the sign-in; the outlines are read once by the process.
    assert (len(cold), len(warm), len(tree)) == (3, 2, 2)


@pytest.mark.feature("CNT-02")
def test_unpublished_lessons_do_not_exist_for_learners(
    acme: Organization, member: Make, sign_in: Sign
) -> None:
    course = make_published_course(acme, modules=2, lessons=2, hidden=frozenset({1, 2, 3}))
    learner = member(acme)
    enrollment_id = make_enrollment(acme, make_run(acme, course), learner.id)
    caller = sign_in(acme, learner)
    hidden = f"/api/v1/my-courses/{enrollment_id}/lessons/{course.lesson_ids[1]}"

    tree = caller.get(f"/api/v1/my-courses/{enrollment_id}").json()

    assert [[lesson["id"] for lesson in module["lessons"]] for module in tree["modules"]] == [
        [str(course.lesson_ids[0])]
    ]
    assert tree["progress"]["total"] == 1
    assert caller.get(hidden).status_code == 404
    assert caller.post(f"{hidden}/complete").status_code == 404


@pytest.mark.feature("ENR-07")
def test_the_library_has_live_and_past_courses_newest_first(
    acme: Organization, member: Make, sign_in: Sign
) -> None:
    now, learner = clock.now(), member(acme)
    course = make_published_course(acme, title="Fire safety")
    cases: list[tuple[dict[str, Any], dict[str, Any], str]] = [
        ({}, {}, "open"),
        ({"ends_at": now - timedelta(days=1)}, {}, "ended"),
        ({"starts_at": now + timedelta(days=1)}, {}, "not_started"),
        ({"state": RunState.CANCELLED}, {}, "cancelled"),
        ({"state": RunState.CLOSED}, {}, "open"),
        ({}, {"state": EnrollmentState.COMPLETED}, "open"),
        ({}, {"state": EnrollmentState.SUSPENDED}, "not_active"),
        ({}, {"expires_at": now - timedelta(seconds=1)}, "expired"),
    ]
    made = [
        make_enrollment(acme, make_run(acme, course, **run), learner.id, **enrollment)
        for run, enrollment, _ in cases
    ]
    make_enrollment(acme, make_run(acme, course), member(acme).id)

    rows = sign_in(acme, learner).get("/api/v1/my-courses").json()["results"]

    assert [row["enrollment_id"] for row in rows] == [str(each) for each in reversed(made)]
    assert [row["access"] for row in rows] == [access for *_, access in reversed(cases)]
    assert {row["course"]["title"] for row in rows} == {"Fire safety"}
    assert [row["version"]["number"] for row in rows] == [1] * len(cases)


def test_pages_lead_forth_and_back(acme: Organization, member: Make, sign_in: Sign) -> None:
    learner, course = member(acme), make_published_course(acme)
    made = [str(make_enrollment(acme, make_run(acme, course), learner.id)) for _ in range(5)]
    made.reverse()
    caller = sign_in(acme, learner)

    def ids(page: dict[str, Any]) -> list[str]:
        return [row["enrollment_id"] for row in page["results"]]

    first = caller.get("/api/v1/my-courses?limit=2").json()
    second = caller.get(first["next"]).json()
    third = caller.get(second["next"]).json()

    assert (ids(first), ids(second), ids(third)) == (made[:2], made[2:4], made[4:])
    assert (first["previous"], third["next"]) == (None, None)
    back = caller.get(third["previous"]).json()
    assert ids(back) == made[2:4]
    assert ids(caller.get(back["previous"]).json()) == made[:2]
    assert caller.get(back["previous"]).json()["previous"] is None


@pytest.mark.parametrize("cursor", ["x", "é", "o" * 40, "bm9wZQ"])
def test_a_made_up_cursor_is_refused(acme: Organization, sign_in: Sign, cursor: str) -> None:
    answer = sign_in(acme).get("/api/v1/my-courses", {"cursor": cursor})

    assert answer.status_code == 400


def test_continue_goes_on_where_the_learner_left(acme: Organization, member: Make, sign_in: Sign) -> None:
    course, learner = make_published_course(acme, modules=2, lessons=2), member(acme)
    enrollment_id = make_enrollment(acme, make_run(acme, course), learner.id)
    caller, base = sign_in(acme, learner), f"/api/v1/my-courses/{enrollment_id}"

    def following() -> str | None:
        found = caller.get("/api/v1/my-courses").json()["results"][0]["next_lesson"]
        return found["title"] if found else None

    assert following() == "Lesson 1"
    caller.get(f"{base}/lessons/{course.lesson_ids[2]}")
    assert following() == "Lesson 3"
    caller.post(f"{base}/lessons/{course.lesson_ids[2]}/complete")
    assert following() == "Lesson 4"
    caller.post(f"{base}/lessons/{course.lesson_ids[3]}/complete")
    assert following() == "Lesson 1"
    for lesson_id in course.lesson_ids[:2]:
        caller.post(f"{base}/lessons/{lesson_id}/complete")
    assert following() is None


def test_a_lesson_comes_with_body_and_neighbours(acme: Organization, member: Make, sign_in: Sign) -> None:
    course, learner = make_published_course(acme, modules=2, lessons=2), member(acme)
    enrollment_id = make_enrollment(acme, make_run(acme, course), learner.id)
    caller = sign_in(acme, learner)

    first, second, last = (
        caller.get(f"/api/v1/my-courses/{enrollment_id}/lessons/{course.lesson_ids[place]}").json()
        for place in (0, 1, 3)
    )

    assert second["body_html"] == "<p>Text 2</p>"
    assert (first["previous_lesson_id"], last["next_lesson_id"]) == (None, None)
    assert second["previous_lesson_id"] == str(course.lesson_ids[0])
    assert second["next_lesson_id"] == str(course.lesson_ids[2])
    assert second["is_completed"] is False


def test_answers_have_the_documented_shape(acme: Organization, member: Make, sign_in: Sign) -> None:
    course, learner = make_published_course(acme), member(acme)
    enrollment_id = make_enrollment(acme, make_run(acme, course), learner.id)
    caller = sign_in(acme, learner)
    lesson = f"/api/v1/my-courses/{enrollment_id}/lessons/{course.lesson_ids[0]}"

    for _ in range(2):  # before the first step, and after it
        _fits(MyCoursePageOut(), caller.get("/api/v1/my-courses").json())
        _fits(MyCourseTreeOut(), caller.get(f"/api/v1/my-courses/{enrollment_id}").json())
        _fits(LessonOut(), caller.get(lesson).json())
        _fits(LessonCompletedOut(), caller.post(f"{lesson}/complete").json())


def test_other_peoples_courses_do_not_exist(acme: Organization, member: Make, sign_in: Sign) -> None:
    course = make_published_course(acme)
    enrollment_id = make_enrollment(acme, make_run(acme, course), member(acme).id)
    lesson = f"/api/v1/my-courses/{enrollment_id}/lessons/{course.lesson_ids[0]}"

    for role in (Role.LEARNER, Role.ADMIN):
        caller = sign_in(acme, role)
        assert caller.get("/api/v1/my-courses").json()["results"] == []
        assert caller.get(f"/api/v1/my-courses/{enrollment_id}").status_code == 404
        assert caller.get(lesson).status_code == 404
        assert caller.post(f"{lesson}/complete").status_code == 404


@pytest.mark.feature("VER-04")
@pytest.mark.feature("VER-06")
def test_runs_of_one_course_keep_their_versions_and_progress_apart(
    acme: Organization, member: Make, sign_in: Sign
) -> None:
    old, learner = make_published_course(acme, modules=1, lessons=2), member(acme)
    old_enrollment = make_enrollment(acme, make_run(acme, old), learner.id)
    twin_enrollment = make_enrollment(acme, make_run(acme, old), learner.id)
    new = publish_another_version(acme, old.course_id, modules=1, lessons=3)
    new_enrollment = make_enrollment(acme, make_run(acme, new), learner.id)
    caller = sign_in(acme, learner)

    caller.post(f"/api/v1/my-courses/{old_enrollment}/lessons/{old.lesson_ids[0]}/complete")
    crossed = caller.post(f"/api/v1/my-courses/{new_enrollment}/lessons/{old.lesson_ids[0]}/complete")

    assert crossed.status_code == 404
    rows = caller.get("/api/v1/my-courses").json()["results"]
    found = {
        uuid.UUID(row["enrollment_id"]): (
            row["version"]["number"],
            row["progress"]["completed"],
            row["progress"]["total"],
        )
        for row in rows
    }
    assert found == {old_enrollment: (1, 1, 2), twin_enrollment: (1, 0, 2), new_enrollment: (2, 0, 3)}


@pytest.mark.feature("IDN-16")
@pytest.mark.parametrize(
    ("of_user", "of_member", "shown"),
    [
        ("UTC", "", "UTC"),
        ("UTC", "Asia/Tokyo", "Asia/Tokyo"),
        ("America/Lima", "Asia/Tokyo", "America/Lima"),
    ],
)
def test_deadlines_come_in_utc_with_the_learners_zone(
    acme: Organization, member: Make, sign_in: Sign, of_user: str, of_member: str, shown: str
) -> None:
    learner = member(acme)
    ends_at = clock.now().replace(microsecond=0) + timedelta(days=3)
    run_id = make_run(acme, make_published_course(acme), ends_at=ends_at, timezone="Europe/Berlin")
    make_enrollment(acme, run_id, learner.id)
    User.objects.filter(pk=learner.user_id).update(timezone=of_user)
    with in_organization(acme):
        Member.objects.filter(pk=learner.id).update(timezone=of_member)

    row = sign_in(acme, learner).get("/api/v1/my-courses").json()["results"][0]

    assert row["run"]["ends_at"] == ends_at.isoformat().replace("+00:00", "Z")
    assert (row["run"]["timezone"], row["timezone"]) == ("Europe/Berlin", shown)


def test_courses_say_what_their_learner_can_do(acme: Organization, member: Make, sign_in: Sign) -> None:
    course, learner = make_published_course(acme), member(acme)
    joined = make_enrollment(acme, make_run(acme, course), learner.id, source=EnrollmentSource.SELF.value)
    given = make_enrollment(acme, make_run(acme, course), learner.id)
    ended = make_enrollment(acme, make_run(acme, course), learner.id, state=EnrollmentState.SUSPENDED)
    caller = sign_in(acme, learner)

    def acts() -> dict[str, dict[str, bool]]:
        return {
            each["enrollment_id"]: each["can"] for each in caller.get("/api/v1/my-courses").json()["results"]
        }

    everything = {"learn": True, "mark": True, "leave": True}
    nothing = {"learn": False, "mark": False, "leave": False}
    assert acts() == {
        str(joined): everything,
        str(given): {**everything, "leave": False},
        str(ended): nothing,
    }
    with in_organization(acme):
        Course.objects.filter(pk=course.course_id).update(switches={"notes": False})
    assert acts()[str(joined)] == {**everything, "mark": False}
    assert caller.get(f"/api/v1/my-courses/{joined}").json()["can"] == {**everything, "mark": False}
