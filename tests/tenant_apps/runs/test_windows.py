"""Windows and dates of runs as people say them: wall time of a zone, right on both sides of a change."""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared_apps.accounts.models import Membership
from shared_apps.audit.models import AuditEvent
from shared_apps.core import clock
from shared_apps.core.actors import Role
from tenant_apps.courses.models import Lesson, Module
from tenant_apps.runs.models import CourseRun, RunDate
from tenants.context import in_organization
from tenants.models import Organization
from tests.factories.courses import make_published_course, publish_another_version
from tests.factories.runs import make_enrollment, make_run

Make = Callable[..., Membership]
Sign = Callable[..., Any]


def _new(course: Any, **more: Any) -> dict[str, Any]:
    return {"course_id": course.course_id, "version_id": course.version_id, "title": "Spring", **more}


@pytest.mark.feature("P23")
@pytest.mark.feature("VER-05")
@pytest.mark.parametrize(
    ("zone", "local", "instant", "shown"),
    [
        # The day before and the day of a change, the hour that is skipped, the hour that comes twice.
        ("Europe/Berlin", "2026-03-28T09:00", "2026-03-28T08:00:00Z", "2026-03-28T09:00"),
        ("Europe/Berlin", "2026-03-29T09:00", "2026-03-29T07:00:00Z", "2026-03-29T09:00"),
        ("Europe/Berlin", "2026-03-29T02:30", "2026-03-29T01:00:00Z", "2026-03-29T03:00"),
        ("Europe/Berlin", "2026-10-25T02:30", "2026-10-25T00:30:00Z", "2026-10-25T02:30"),
        ("America/New_York", "2026-03-08T02:15", "2026-03-08T07:00:00Z", "2026-03-08T03:00"),
        ("America/New_York", "2026-11-01T01:30", "2026-11-01T05:30:00Z", "2026-11-01T01:30"),
        ("Australia/Lord_Howe", "2026-10-04T02:10", "2026-10-03T15:30:00Z", "2026-10-04T02:30"),
        ("Australia/Lord_Howe", "2026-04-05T01:45", "2026-04-04T14:45:00Z", "2026-04-05T01:45"),
        ("America/Santiago", "2026-09-06T00:00", "2026-09-06T04:00:00Z", "2026-09-06T01:00"),
        ("Asia/Kathmandu", "2026-03-29T09:00", "2026-03-29T03:15:00Z", "2026-03-29T09:00"),
    ],
)
def test_a_run_starts_when_clocks_of_its_zone_say_so(
    acme: Organization, sign_in: Sign, zone: str, local: str, instant: str, shown: str
) -> None:
    course = make_published_course(acme)

    made = sign_in(acme, Role.ADMIN).post("/api/v1/runs", _new(course, timezone=zone, starts_local=local))

    assert made.status_code == 201
    assert (made.json()["starts_at"], made.json()["starts_local"]) == (instant, shown)
    assert (made.json()["timezone"], made.json()["kept_as_wall_time"]) == (zone, ["starts"])


@pytest.mark.feature("P23")
def test_another_zone_keeps_wall_times_and_leaves_instants(acme: Organization, sign_in: Sign) -> None:
    course, admin = make_published_course(acme), sign_in(acme, Role.ADMIN)
    body = _new(
        course,
        timezone="Europe/Berlin",
        starts_local="2026-03-29T09:00",
        ends_at="2026-06-01T10:00:00Z",
        enrollment_closes_local="2026-04-02T18:00",
    )
    path = admin.post("/api/v1/runs", body)["Location"]

    moved = admin.patch(path, {"timezone": "America/New_York"}).json()

    assert (moved["starts_local"], moved["starts_at"]) == ("2026-03-29T09:00", "2026-03-29T13:00:00Z")
    assert (moved["ends_local"], moved["ends_at"]) == ("2026-06-01T06:00", "2026-06-01T10:00:00Z")
    assert moved["enrollment_closes_at"] == "2026-04-02T22:00:00Z"
    assert moved["kept_as_wall_time"] == ["starts", "enrollment_closes"]
    instant = admin.patch(path, {"starts_at": "2026-03-29T13:00:00Z"}).json()
    assert instant["kept_as_wall_time"] == ["enrollment_closes"]
    back = admin.patch(path, {"timezone": "Europe/Berlin", "enrollment_closes_local": ""}).json()
    assert (back["starts_at"], back["starts_local"]) == ("2026-03-29T13:00:00Z", "2026-03-29T15:00")
    assert (back["enrollment_closes_at"], back["enrollment_closes_local"]) == (None, None)


@pytest.mark.feature("VER-05")
@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        (
            {"starts_local": "2026-03-29T02:10", "ends_local": "2026-03-29T02:50"},
            "run_ends_before_start",
            "ends_at",
        ),
        ({"starts_at": "2026-03-29T07:00:00Z", "starts_local": "2026-03-29T09:00"}, "time_given_twice", None),
        ({"starts_local": "2026-02-30T09:00"}, "not_a_wall_time", "starts_local"),
        ({"starts_local": "29.3.2026"}, "invalid_input", "starts_local"),
        ({"timezone": "Mars/Olympus", "starts_local": "2026-03-29T09:00"}, "unknown_timezone", "timezone"),
        (
            {"enrollment_opens_local": "2026-03-02T09:00", "enrollment_closes_local": "2026-03-01T09:00"},
            "enrollment_closes_before_opening",
            "enrollment_closes_at",
        ),
        ({"price_override": {"amount_minor": 10, "currency": "EUR"}}, "amount_not_chargeable", None),
        ({"price_override": {"amount_minor": 1000, "currency": "XXX"}}, "invalid_input", None),
    ],
)
def test_moments_and_prices_that_contradict_themselves_are_refused(
    acme: Organization, sign_in: Sign, body: dict[str, Any], code: str, field: str | None
) -> None:
    course = make_published_course(acme)

    answer = sign_in(acme, Role.ADMIN).post(
        "/api/v1/runs", _new(course, **{"timezone": "Europe/Berlin"} | body)
    )

    assert (answer.status_code, answer.json()["code"]) == (400, code)
    if field is not None:
        assert answer.json()["errors"][0]["field"] == field
    with in_organization(acme):
        assert CourseRun.objects.count() == 0


def test_price_pacing_and_doors_are_the_runs_own(acme: Organization, sign_in: Sign) -> None:
    course, admin = make_published_course(acme), sign_in(acme, Role.ADMIN)
    body = _new(
        course,
        pacing="self_paced",
        has_waiting_list=True,
        is_open_to_members=True,
        price_override={"amount_minor": 4900, "currency": "EUR"},
    )

    made = admin.post("/api/v1/runs", body)

    found = admin.get(made["Location"]).json()
    assert (found["pacing"], found["has_waiting_list"], found["is_open_to_members"]) == (
        "self_paced",
        True,
        True,
    )
    assert found["price_override"] == {"amount_minor": 4900, "currency": "EUR"}
    assert admin.patch(made["Location"], {"price_override": None}).json()["price_override"] is None


@pytest.mark.feature("P23")
def test_dates_of_units_are_wall_time_of_the_run(acme: Organization, sign_in: Sign) -> None:
    course, admin = make_published_course(acme), sign_in(acme, Role.ADMIN)
    run_id = make_run(acme, course, timezone="Europe/Berlin")
    module, lesson = _lineages(acme, course)
    wanted = [
        {"lineage": lesson, "due_local": "2026-03-29T23:59"},
        {"lineage": module, "opens_local": "2026-03-28T09:00", "due_local": "2026-03-29T09:00"},
    ]

    first = admin.put(f"/api/v1/runs/{run_id}/dates", {"dates": wanted})
    again = admin.put(f"/api/v1/runs/{run_id}/dates", {"dates": wanted})

    assert (first.status_code, again.json()) == (200, first.json())
    assert first.json()["timezone"] == "Europe/Berlin"
    of_module, of_lesson = first.json()["dates"]
    assert (of_module["kind"], of_module["opens_at"], of_module["due_at"]) == (
        "module",
        "2026-03-28T08:00:00Z",
        "2026-03-29T07:00:00Z",
    )
    assert (of_lesson["kind"], of_lesson["opens_at"], of_lesson["due_at"]) == (
        "lesson",
        None,
        "2026-03-29T21:59:00Z",
    )
    assert AuditEvent.objects.filter(action="runs.dates").count() == 1
    admin.patch(f"/api/v1/runs/{run_id}", {"timezone": "America/New_York"})
    later = admin.get(f"/api/v1/runs/{run_id}/dates").json()["dates"][1]
    assert (later["due_local"], later["due_at"]) == ("2026-03-29T23:59", "2026-03-30T03:59:00Z")
    assert admin.put(f"/api/v1/runs/{run_id}/dates", {"dates": []}).json()["dates"] == []
    with in_organization(acme):
        assert RunDate.objects.count() == 0


def test_dates_of_other_versions_units_or_turned_around_are_refused(
    acme: Organization, sign_in: Sign
) -> None:
    course, admin = make_published_course(acme), sign_in(acme, Role.ADMIN)
    other = make_published_course(acme)
    run_id = make_run(acme, course, timezone="Europe/Berlin")
    [module, lesson], [_, foreign] = _lineages(acme, course), _lineages(acme, other)
    # Both fall into the hour that is skipped: the same instant.
    skipped = {"lineage": lesson, "opens_local": "2026-03-29T02:10", "due_local": "2026-03-29T02:50"}
    asked = {
        "unknown_unit": [{"lineage": foreign, "due_local": "2026-03-29T23:59"}],
        "due_before_opening": [skipped],
        "unit_given_twice": [{"lineage": module, "due_local": "2026-03-29T23:59"}] * 2,
        "not_a_wall_time": [{"lineage": module, "due_local": "2026-13-29T23:59"}],
    }

    for code, dates in asked.items():
        answer = admin.put(f"/api/v1/runs/{run_id}/dates", {"dates": dates})
        assert (answer.status_code, answer.json()["code"]) == (400, code)
    with in_organization(acme):
        assert RunDate.objects.count() == 0


def test_who_teaches_the_run_sets_its_dates_and_nobody_else(
    acme: Organization, member: Make, sign_in: Sign
) -> None:
    course, admin = make_published_course(acme), sign_in(acme, Role.ADMIN)
    run_id, other = make_run(acme, course), make_run(acme, course)
    teacher, enroller = member(acme, Role.INSTRUCTOR), member(acme, Role.INSTRUCTOR)
    for who, right in ((teacher, "teach_run"), (enroller, "enrol_run")):
        body = {"member_id": str(who.id), "rights": [right]}
        assert admin.put(f"/api/v1/runs/{run_id}/staff", body).status_code == 200
    asked = {"dates": [{"lineage": _lineages(acme, course)[0], "due_local": "2026-03-29T23:59"}]}

    assert sign_in(acme, teacher).put(f"/api/v1/runs/{run_id}/dates", asked).status_code == 200
    assert sign_in(acme, enroller).put(f"/api/v1/runs/{run_id}/dates", asked).status_code == 403
    assert sign_in(acme, teacher).put(f"/api/v1/runs/{other}/dates", asked).status_code == 404
    assert sign_in(acme, Role.LEARNER).put(f"/api/v1/runs/{run_id}/dates", asked).status_code == 403


@pytest.mark.feature("VER-06")
def test_runs_of_one_course_know_nothing_of_each_other(
    acme: Organization, member: Make, sign_in: Sign
) -> None:
    course, admin, learner = make_published_course(acme), sign_in(acme, Role.ADMIN), member(acme)
    first, second = (make_run(acme, course, timezone="Europe/Berlin", capacity=1) for _ in range(2))
    newer = publish_another_version(acme, course.course_id)
    third = make_run(acme, newer)
    in_first = make_enrollment(acme, first, learner.id)
    asked = {"dates": [{"lineage": _lineages(acme, course)[0], "due_local": "2026-03-29T23:59"}]}
    before = admin.get(f"/api/v1/runs/{second}").json()

    admin.put(f"/api/v1/runs/{first}/dates", asked)
    admin.patch(f"/api/v1/runs/{first}", {"starts_local": "2026-03-29T09:00", "capacity": 5})
    admin.post(f"/api/v1/enrollments/{in_first}/suspend")
    admin.post(f"/api/v1/runs/{first}/close")

    assert admin.get(f"/api/v1/runs/{second}").json() == before
    assert admin.get(f"/api/v1/runs/{second}/dates").json()["dates"] == []
    also = admin.post(f"/api/v1/runs/{second}/enrollments", {"member_id": str(learner.id)})
    assert (also.status_code, also.json()["state"]) == (201, "active")
    assert admin.get(f"/api/v1/runs/{third}").json()["version_id"] == str(newer.version_id)
    assert before["version_id"] == str(course.version_id)


@pytest.mark.feature("VER-05")
def test_the_window_sorts_runs_into_current_upcoming_and_past(acme: Organization, sign_in: Sign) -> None:
    course, admin, now = make_published_course(acme), sign_in(acme, Role.ADMIN), datetime.now(UTC)
    day = timedelta(days=1)
    runs = {
        "current": make_run(acme, course, starts_at=now - day, ends_at=now + day),
        "upcoming": make_run(acme, course, starts_at=now + day),
        "past": make_run(acme, course, starts_at=now - 2 * day, ends_at=now - day),
        "always": make_run(acme, course),
    }

    def listed(window: str, at: datetime) -> set[str]:
        with clock.frozen_at(at):
            rows = admin.get(f"/api/v1/runs?window={window}").json()["results"]
        return {name for name, run_id in runs.items() if str(run_id) in {row["id"] for row in rows}}

    assert listed("current", now) == {"current", "always"}
    assert listed("upcoming", now) == {"upcoming"}
    assert listed("past", now) == {"past"}
    # The first instant of a window belongs to it, its end does not.
    assert "upcoming" in listed("current", now + day)
    assert "current" in listed("past", now + day)


def _lineages(organization: Organization, course: Any) -> tuple[str, str]:
    with in_organization(organization):
        module: uuid.UUID = Module.objects.get(pk=course.module_ids[0]).lineage
        lesson: uuid.UUID = Lesson.objects.get(pk=course.lesson_ids[1]).lineage
    return str(module), str(lesson)
