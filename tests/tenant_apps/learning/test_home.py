"""What a learner sees first, and the own courses filtered and sorted."""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rest_framework import serializers

from api.v1.learning.serializers_home import HomeOut
from shared_apps.accounts.models import Membership
from shared_apps.core import clock
from shared_apps.core.actors import Role
from tenant_apps.courses.models import Lesson
from tenant_apps.people.models import Member
from tenant_apps.runs.enums import EnrollmentState, RunState
from tenant_apps.runs.models import CourseRun, Enrollment, RunDate, WaitingPlace
from tenants.context import in_organization
from tenants.models import Organization
from tests.factories.courses import PublishedCourse, make_published_course
from tests.factories.runs import make_enrollment, make_run
from tests.support.measures import statements

Sign = Callable[..., Any]
Make = Callable[..., Membership]

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


def _lesson(enrollment_id: uuid.UUID, course: PublishedCourse, place: int) -> str:
    return f"/api/v1/my-courses/{enrollment_id}/lessons/{course.lesson_ids[place]}"


def _home(caller: Any) -> dict[str, Any]:
    answer = caller.get("/api/v1/home")
    assert answer.status_code == 200, answer.content
    found: dict[str, Any] = answer.json()
    return found


def _titles(rows: list[dict[str, Any]]) -> list[str]:
    return [row["course"]["title"] for row in rows]


def _fits(serializer: Any, answer: Any) -> None:
    if isinstance(serializer, serializers.ListSerializer):
        for each in answer:
            _fits(serializer.child, each)
        return
    assert set(answer) == set(serializer.fields)
    for name, field in serializer.fields.items():
        if answer[name] is None:
            assert field.allow_null, name
        elif isinstance(field, serializers.BaseSerializer):
            _fits(field, answer[name])
        else:
            field.run_validation(answer[name])


@pytest.mark.feature("PRG-05")
@pytest.mark.feature("PRG-04")
def test_home_goes_on_in_the_course_and_at_the_place_left_last(
    acme: Organization, member: Make, sign_in: Sign
) -> None:
    fire, water = make_published_course(acme, title="Fire"), make_published_course(acme, title="Water")
    learner = member(acme)
    one = make_enrollment(acme, make_run(acme, fire), learner.id)
    two = make_enrollment(acme, make_run(acme, water), learner.id)
    caller = sign_in(acme, learner)

    before = _home(caller)["continue"]
    with clock.frozen_at(NOON):
        caller.get(_lesson(two, water, 0))
    with clock.frozen_at(NOON + timedelta(hours=1)):
        caller.get(_lesson(one, fire, 2))
        caller.post(f"{_lesson(one, fire, 2)}/report", {"position_seconds": 77, "percent": 30})
    found = _home(caller)["continue"]

    assert before is None
    assert found == {
        "enrollment_id": str(one),
        "course": {"id": str(fire.course_id), "title": "Fire"},
        "lesson": {"id": str(fire.lesson_ids[2]), "title": "Lesson 3", "kind": "text"},
        "position_seconds": 77,
        "duration_seconds": 0,
        "reached_percent": 30,
        "percent": 0,
        "last_accessed_at": "2026-05-04T13:00:00Z",
        "next_deadline": None,
    }


@pytest.mark.feature("PRG-05")
@pytest.mark.feature("ENR-07")
def test_home_groups_courses_and_shows_waiting_lists(acme: Organization, member: Make, sign_in: Sign) -> None:
    learner, other = member(acme), member(acme)
    course = {
        name: make_published_course(acme, title=name) for name in ("now", "soon", "done", "over", "full")
    }
    make_enrollment(acme, make_run(acme, course["now"]), learner.id)
    make_enrollment(acme, make_run(acme, course["soon"], starts_at=NOON + timedelta(days=1)), learner.id)
    make_enrollment(
        acme, make_run(acme, course["done"]), learner.id, state=EnrollmentState.COMPLETED, completed_at=NOON
    )
    make_enrollment(acme, make_run(acme, course["over"], ends_at=NOON - timedelta(days=1)), learner.id)
    full = make_run(acme, course["full"], title="May")
    with in_organization(acme):
        WaitingPlace.objects.create(run_id=full, member_id=other.id)
        place = WaitingPlace.objects.create(run_id=full, member_id=learner.id, created_at=NOON)
    caller = sign_in(acme, learner)

    with clock.frozen_at(NOON):
        home = _home(caller)

    assert {name: _titles(home[name]) for name in ("current", "upcoming", "completed")} == {
        "current": ["now"],
        "upcoming": ["soon"],
        "completed": ["done"],
    }
    assert home["counts"] == {"current": 1, "upcoming": 1, "completed": 1, "past": 1, "waiting": 1}
    assert home["waiting"] == [
        {
            "id": str(place.id),
            "since": "2026-05-04T12:00:00Z",
            "run": {"id": str(full), "title": "May", "starts_at": None, "timezone": "UTC"},
            "course": {"id": str(course["full"].course_id), "title": "full"},
            "place": 2,
        }
    ]
    caller.get(_lesson(_enrollment_of(acme, learner, course["now"]), course["now"], 0))
    _fits(HomeOut(), _home(caller))


def _enrollment_of(organization: Organization, learner: Membership, course: PublishedCourse) -> uuid.UUID:
    with in_organization(organization):
        return Enrollment.objects.get(member_id=learner.id, run__course_id=course.course_id).id


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe"])
def test_the_next_deadline_is_the_earliest_undone_in_utc_and_local(
    acme: Organization, member: Make, sign_in: Sign, zone: str
) -> None:
    course, learner = make_published_course(acme, optional=frozenset({0})), member(acme)
    run_id = make_run(acme, course, timezone="Europe/Berlin", ends_at=datetime(2026, 12, 1, tzinfo=UTC))
    enrollment_id = make_enrollment(acme, run_id, learner.id)
    with in_organization(acme):
        Member.objects.filter(pk=learner.id).update(timezone=zone)
        for place, due in ((0, "2026-03-01T09:00"), (1, "2026-03-29T02:30"), (2, "2026-10-25T02:30")):
            lineage = Lesson.objects.get(pk=course.lesson_ids[place]).lineage
            RunDate.objects.create(run_id=run_id, lineage=lineage, due_local=due)
    caller, found = sign_in(acme, learner), []

    for place in (1, 2):
        with clock.frozen_at(datetime(2026, 3, 30, tzinfo=UTC)):
            found.append(_home(caller)["current"][0]["next_deadline"])
            caller.post(f"{_lesson(enrollment_id, course, place)}/complete")
    with clock.frozen_at(datetime(2026, 3, 30, tzinfo=UTC)):
        found.append(_home(caller)["current"][0]["next_deadline"])

    # The first is in the hour that a change skips, the second in one that comes twice; then the run's end.
    assert [(each["due_at"], each["is_overdue"]) for each in found] == [
        ("2026-03-29T01:00:00Z", True),
        ("2026-10-25T00:30:00Z", False),
        ("2026-12-01T00:00:00Z", False),
    ]
    for each in found:
        local = datetime.fromisoformat(each["due_local"])
        assert local == datetime.fromisoformat(each["due_at"])
    assert [each["lesson"] and each["lesson"]["title"] for each in found] == ["Lesson 2", "Lesson 3", None]


@pytest.mark.feature("PRG-05")
def test_home_takes_as_many_statements_for_many_courses_as_for_few(
    acme: Organization, member: Make, sign_in: Sign
) -> None:
    learner, course = member(acme), make_published_course(acme)
    caller, counts = sign_in(acme, learner), []
    for more in (1, 12):
        for _ in range(more):
            enrollment_id = make_enrollment(acme, make_run(acme, course), learner.id)
            with in_organization(acme):
                WaitingPlace.objects.create(run_id=make_run(acme, course), member_id=learner.id)
        caller.get(_lesson(enrollment_id, course, 0))
        with statements() as found:
            _home(caller)
        counts.append(len(found))

    assert counts == [4, 4]


def test_home_is_ones_own(acme: Organization, member: Make, sign_in: Sign) -> None:
    make_enrollment(acme, make_run(acme, make_published_course(acme)), member(acme).id)

    for role in (Role.LEARNER, Role.OWNER):
        home = _home(sign_in(acme, role))
        assert home["counts"] == {"current": 0, "upcoming": 0, "completed": 0, "past": 0, "waiting": 0}
        assert home["continue"] is None


@pytest.mark.feature("ENR-07")
def test_the_library_filters_and_sorts_and_its_cursors_follow(
    acme: Organization, member: Make, sign_in: Sign
) -> None:
    learner = member(acme)
    made, caller = {}, sign_in(acme, learner)
    for name, run, state, seen in (
        ("Beta", {}, "active", 2),
        ("alpha", {"ends_at": NOON + timedelta(days=9)}, "active", None),
        ("Gamma", {"ends_at": NOON + timedelta(days=5), "title": "Spring"}, "active", 1),
        ("Delta", {"starts_at": NOON + timedelta(days=1)}, "active", None),
        ("Eta", {"ends_at": NOON - timedelta(days=1)}, "active", None),
        ("Zeta", {}, "completed", 3),
        ("Theta", {"state": RunState.CANCELLED}, "active", None),
    ):
        course = make_published_course(acme, title=name)
        made[name] = make_enrollment(acme, make_run(acme, course, **run), learner.id, state=state)
        if seen:
            with clock.frozen_at(NOON + timedelta(minutes=seen)):
                assert caller.get(_lesson(made[name], course, 0)).status_code == 200

    def found(**query: Any) -> list[str]:
        with clock.frozen_at(NOON):
            answer = caller.get("/api/v1/my-courses", query)
        assert answer.status_code == 200, answer.content
        return _titles(answer.json()["results"])

    newest = ["Theta", "Zeta", "Eta", "Delta", "Gamma", "alpha", "Beta"]
    assert found() == found(sort="newest") == newest
    assert found(sort="title") == ["alpha", "Beta", "Delta", "Eta", "Gamma", "Theta", "Zeta"]
    assert found(sort="last_access")[:3] == ["Zeta", "Beta", "Gamma"]
    assert found(sort="due")[:3] == ["Eta", "Gamma", "alpha"]
    assert found(shelf="current") == ["Gamma", "alpha", "Beta"]
    assert found(shelf="upcoming") == ["Delta"]
    assert found(shelf="completed") == found(state="completed") == ["Zeta"]
    assert found(shelf="past") == ["Theta", "Eta"]
    assert found(search="ETA", sort="title") == ["Beta", "Eta", "Theta", "Zeta"]
    assert found(search="spring") == ["Gamma"]
    assert found(search="%") == []
    for bad in ({"sort": "x"}, {"shelf": "x"}, {"state": "x"}):
        assert caller.get("/api/v1/my-courses", bad).status_code == 400
    for query in ({"sort": "title"}, {"sort": "last_access"}, {"sort": "due"}, {"shelf": "current"}):
        with clock.frozen_at(NOON):
            forth, back = _walk(caller, query)
        assert forth == back == found(**query)


def _walk(caller: Any, query: dict[str, str]) -> tuple[list[str], list[str]]:
    """Return the titles of pages of two, walked to the end and back."""
    forth, back, page = [], [], caller.get("/api/v1/my-courses", query | {"limit": "2"}).json()
    assert page["previous"] is None
    forth += _titles(page["results"])
    while page["next"]:
        page = caller.get(page["next"]).json()
        forth += _titles(page["results"])
    back = _titles(page["results"])
    while page["previous"]:
        page = caller.get(page["previous"]).json()
        back = _titles(page["results"]) + back
    return forth, back


@pytest.mark.feature("ENR-07")
def test_sorting_takes_no_statement_more(acme: Organization, member: Make, sign_in: Sign) -> None:
    learner, course = member(acme), make_published_course(acme)
    for _ in range(12):
        make_enrollment(acme, make_run(acme, course), learner.id)
    with in_organization(acme):
        CourseRun.objects.update(ends_at=clock.now() + timedelta(days=5))
    caller, counts = sign_in(acme, learner), []
    caller.get("/api/v1/my-courses")
    for query in ({}, {"sort": "due", "search": "new"}, {"shelf": "current", "sort": "last_access"}):
        with statements() as found:
            caller.get("/api/v1/my-courses", query)
        counts.append(len(found))

    assert counts == [2, 2, 2]
