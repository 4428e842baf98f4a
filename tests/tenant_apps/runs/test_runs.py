"""Runs: made of published versions, with a window, a capacity and their own staff."""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared_apps.accounts.models import User
from shared_apps.audit.models import AuditEvent
from shared_apps.core.actors import Role
from tenant_apps.runs.models import CourseRun, RunRight
from tenants.context import in_organization
from tenants.models import Organization
from tests.factories.courses import make_published_course, publish_another_version
from tests.factories.runs import make_run
from tests.support.measures import statements

START = datetime(2026, 3, 1, 8, tzinfo=UTC)


def _run_body(course: Any, **more: Any) -> dict[str, Any]:
    return {"course_id": course.course_id, "version_id": course.version_id, "title": "Spring", **more}


@pytest.mark.feature("VER-05")
def test_a_run_is_made_of_a_published_version(acme: Organization, sign_in: Callable[..., Any]) -> None:
    course = make_published_course(acme)
    admin = sign_in(acme, Role.ADMIN)

    answer = admin.post(
        "/api/v1/runs",
        _run_body(course, starts_at=START, ends_at=START + timedelta(days=9), timezone="Europe/Berlin"),
    )

    assert answer.status_code == 201
    assert answer["Location"] == f"/api/v1/runs/{answer.json()['id']}"
    found = admin.get(answer["Location"]).json()
    assert found["version_id"] == str(course.version_id)
    assert (found["starts_at"], found["ends_at"]) == ("2026-03-01T08:00:00Z", "2026-03-10T08:00:00Z")
    assert (found["timezone"], found["state"], found["enrolled_count"]) == ("Europe/Berlin", "open", 0)
    assert AuditEvent.objects.filter(action="runs.create", target_id=found["id"]).count() == 1


@pytest.mark.feature("VER-05")
@pytest.mark.parametrize(
    ("label", "ends_at"), [("before", START - timedelta(hours=1)), ("at the start", START)]
)
def test_an_end_not_after_the_start_is_refused(
    acme: Organization, sign_in: Callable[..., Any], label: str, ends_at: datetime
) -> None:
    course = make_published_course(acme)

    answer = sign_in(acme, Role.ADMIN).post(
        "/api/v1/runs", _run_body(course, starts_at=START, ends_at=ends_at)
    )

    assert (answer.status_code, answer.json()["code"]) == (400, "run_ends_before_start")
    with in_organization(acme):
        assert CourseRun.objects.count() == 0


@pytest.mark.feature("VER-05")
def test_moving_the_end_before_the_start_is_refused(acme: Organization, sign_in: Callable[..., Any]) -> None:
    run_id = make_run(acme, make_published_course(acme), starts_at=START)

    answer = sign_in(acme, Role.ADMIN).patch(f"/api/v1/runs/{run_id}", {"ends_at": START - timedelta(days=1)})

    assert (answer.status_code, answer.json()["code"]) == (400, "run_ends_before_start")
    assert answer.json()["errors"][0]["field"] == "ends_at"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"timezone": "Mars/Olympus"}, 400, "unknown_timezone"),
        ({"title": "x\x00y"}, 400, "invalid_input"),
        ({"title": "x" * 201}, 400, "invalid_input"),
        ({"capacity": 0}, 400, "invalid_input"),
        ({"version_id": str(uuid.uuid4())}, 400, "version_not_published"),
    ],
)
def test_wrong_facts_are_refused_with_their_field(
    acme: Organization, sign_in: Callable[..., Any], body: dict[str, Any], status: int, code: str
) -> None:
    course = make_published_course(acme)

    answer = sign_in(acme, Role.ADMIN).post("/api/v1/runs", _run_body(course) | body)

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.json()["errors"][0]["field"] == next(iter(body))


def test_drafts_and_other_courses_versions_are_refused(
    acme: Organization, sign_in: Callable[..., Any]
) -> None:
    course, other = make_published_course(acme), make_published_course(acme)
    draft = publish_another_version(acme, course.course_id, published=False)
    admin = sign_in(acme, Role.ADMIN)

    for version_id in (draft.version_id, other.version_id):
        answer = admin.post("/api/v1/runs", _run_body(course) | {"version_id": version_id})
        assert (answer.status_code, answer.json()["code"]) == (400, "version_not_published")


@pytest.mark.feature("VER-04")
def test_a_run_keeps_its_version_when_a_newer_one_is_published(
    acme: Organization, sign_in: Callable[..., Any]
) -> None:
    course = make_published_course(acme)
    run_id = make_run(acme, course)
    admin = sign_in(acme, Role.ADMIN)

    newer = publish_another_version(acme, course.course_id)
    admin.patch(f"/api/v1/runs/{run_id}", {"version_id": str(newer.version_id), "title": "Renamed"})

    found = admin.get(f"/api/v1/runs/{run_id}").json()
    assert (found["version_id"], found["version_number"]) == (str(course.version_id), 1)
    assert found["title"] == "Renamed"


def test_close_and_cancel_move_one_way(acme: Organization, sign_in: Callable[..., Any]) -> None:
    run_id = make_run(acme, make_published_course(acme))
    admin = sign_in(acme, Role.ADMIN)

    assert admin.post(f"/api/v1/runs/{run_id}/close").json()["state"] == "closed"
    assert admin.post(f"/api/v1/runs/{run_id}/close").status_code == 200
    assert admin.post(f"/api/v1/runs/{run_id}/cancel").json()["state"] == "cancelled"

    again = admin.post(f"/api/v1/runs/{run_id}/close")
    assert (again.status_code, again.json()["code"]) == (409, "run_move_refused")
    changed = admin.patch(f"/api/v1/runs/{run_id}", {"title": "Too late"})
    assert (changed.status_code, changed.json()["code"]) == (409, "run_move_refused")
    assert AuditEvent.objects.filter(action="runs.edit", target_id=str(run_id)).count() == 2


@pytest.mark.parametrize("role", [Role.MANAGER, Role.INSTRUCTOR, Role.LEARNER, Role.BILLING_ADMIN])
def test_only_administrators_make_runs(acme: Organization, sign_in: Callable[..., Any], role: Role) -> None:
    course = make_published_course(acme)

    answer = sign_in(acme, role).post("/api/v1/runs", _run_body(course))

    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    with in_organization(acme):
        assert CourseRun.objects.count() == 0


def test_an_instructor_sees_a_run_with_the_right_on_it(
    acme: Organization, member: Callable[..., Any], sign_in: Callable[..., Any]
) -> None:
    course = make_published_course(acme)
    taught, other = make_run(acme, course), make_run(acme, course)
    teacher = member(acme, Role.INSTRUCTOR)
    caller, admin = sign_in(acme, teacher), sign_in(acme, Role.ADMIN)
    body = {"member_id": str(teacher.id), "rights": ["teach_run"]}
    assert caller.get(f"/api/v1/runs/{taught}").status_code == 404

    assert admin.put(f"/api/v1/runs/{taught}/staff", body).json()[0]["rights"] == ["teach_run"]

    assert caller.get(f"/api/v1/runs/{taught}").status_code == 200
    assert caller.get(f"/api/v1/runs/{other}").status_code == 404
    assert [row["id"] for row in caller.get("/api/v1/runs").json()["results"]] == [str(taught)]
    assert caller.get(f"/api/v1/runs/{taught}/enrollments").status_code == 200
    enrolled = caller.post(f"/api/v1/runs/{taught}/enrollments", {"member_id": str(teacher.id)})
    assert (enrolled.status_code, enrolled.json()["code"]) == (403, "forbidden")

    assert admin.put(f"/api/v1/runs/{taught}/staff", body | {"rights": []}).json() == []
    assert caller.get(f"/api/v1/runs/{taught}").status_code == 404


def test_rights_set_twice_are_one_right_and_one_audit_event(
    acme: Organization, member: Callable[..., Any], sign_in: Callable[..., Any]
) -> None:
    run_id = make_run(acme, make_published_course(acme))
    teacher = member(acme, Role.INSTRUCTOR)
    admin = sign_in(acme, Role.ADMIN)

    for _ in range(2):
        body = {"member_id": str(teacher.id), "rights": ["enrol_run", "teach_run"]}
        assert admin.put(f"/api/v1/runs/{run_id}/staff", body).status_code == 200

    with in_organization(acme):
        assert RunRight.objects.count() == 2
    assert AuditEvent.objects.filter(action="runs.staff").count() == 1


def test_superusers_of_the_platform_have_no_right_on_a_run(
    acme: Organization, member: Callable[..., Any], sign_in: Callable[..., Any]
) -> None:
    run_id = make_run(acme, make_published_course(acme))
    teacher = member(acme, Role.INSTRUCTOR)
    User.objects.filter(pk=teacher.user_id).update(is_superuser=True, is_staff=True)
    caller = sign_in(acme, teacher)

    assert caller.get(f"/api/v1/runs/{run_id}").status_code == 404
    assert caller.get("/api/v1/runs").json()["results"] == []
    answer = caller.post(f"/api/v1/runs/{run_id}/enrollments", {"member_id": str(teacher.id)})
    assert answer.status_code == 404


@pytest.mark.parametrize("runs", [2, 12])
def test_the_list_takes_a_constant_number_of_statements(
    acme: Organization, sign_in: Callable[..., Any], runs: int
) -> None:
    course = make_published_course(acme)
    for _ in range(runs):
        make_run(acme, course)
    admin = sign_in(acme, Role.ADMIN)

    with statements() as seen:
        assert len(admin.get("/api/v1/runs").json()["results"]) == runs

    assert len(seen) == 2
