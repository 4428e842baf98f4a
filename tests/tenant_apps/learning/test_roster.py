"""The roster of a run with everybody's progress, and reports over it."""

import csv
import io
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission

from shared_apps.accounts.models import Membership
from shared_apps.core import clock
from shared_apps.core.actors import Role
from tenant_apps.courses.models import Course, CourseRight
from tenant_apps.learning.models import LessonRecord
from tenant_apps.people.models import Member
from tenant_apps.runs.enums import EnrollmentState
from tenant_apps.runs.models import Enrollment, RunDate, RunRight
from tenants.context import in_organization
from tenants.models import Organization
from tests.factories.courses import PublishedCourse, make_published_course, publish_another_version
from tests.factories.runs import make_enrollment, make_run
from tests.support.measures import statements

Sign = Callable[..., Any]
Make = Callable[..., Membership]

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


def _rows(caller: Any, run_id: uuid.UUID, **query: Any) -> list[dict[str, Any]]:
    answer = caller.get(f"/api/v1/runs/{run_id}/progress", query)
    assert answer.status_code == 200, answer.content
    found: list[dict[str, Any]] = answer.json()["results"]
    return found


def _emails(caller: Any, run_id: uuid.UUID, **query: Any) -> list[str]:
    return [row["member_email"].split("@")[0] for row in _rows(caller, run_id, **query)]


def _lesson(enrollment_id: uuid.UUID, course: PublishedCourse, place: int) -> str:
    return f"/api/v1/my-courses/{enrollment_id}/lessons/{course.lesson_ids[place]}"


def _people(organization: Organization, member: Make, **people: dict[str, Any]) -> dict[str, Membership]:
    """Make members by the local part of their address, with what the company knows of them."""
    made = {}
    for name, facts in people.items():
        made[name] = member(organization, email=f"{name}@acme.example")
        with in_organization(organization):
            Member.objects.filter(pk=made[name].id).update(first_name=name.title(), **facts)
    return made


def _due(organization: Organization, run_id: uuid.UUID, lesson_id: uuid.UUID, local: str) -> None:
    with in_organization(organization):
        lineage = _lineage(lesson_id)
        RunDate.objects.create(run_id=run_id, lineage=lineage, due_local=local)


def _lineage(lesson_id: uuid.UUID) -> uuid.UUID:
    from tenant_apps.courses.models import Lesson

    return Lesson.objects.get(pk=lesson_id).lineage


@pytest.mark.feature("PRG-01")
@pytest.mark.feature("PRG-05")
def test_a_row_says_who_how_far_where_and_what_is_open(
    acme: Organization, member: Make, sign_in: Sign
) -> None:
    course = make_published_course(acme, modules=1, lessons=4)
    run_id = make_run(acme, course, timezone="Europe/Berlin")
    people = _people(acme, member, ann={"last_name": "Ames", "department": "Ops", "timezone": "Asia/Tokyo"})
    enrollment_id = make_enrollment(acme, run_id, people["ann"].id, activated_at=NOON)
    _due(acme, run_id, course.lesson_ids[2], "2026-05-10T18:00")
    ann, admin = sign_in(acme, people["ann"]), sign_in(acme, Role.ADMIN)
    with clock.frozen_at(NOON):
        ann.post(f"{_lesson(enrollment_id, course, 0)}/complete")
        ann.get(_lesson(enrollment_id, course, 1))

        [row] = _rows(admin, run_id)

    assert row == {
        "enrollment_id": str(enrollment_id),
        "member_id": str(people["ann"].id),
        "member_name": "Ann Ames",
        "member_email": "ann@acme.example",
        "department": "Ops",
        "state": "active",
        "standing": "in_progress",
        "attempt": 1,
        "begun_at": "2026-05-04T12:00:00Z",
        "completed": 1,
        "total": 4,
        "percent": 25,
        "last_accessed_at": "2026-05-04T12:00:00Z",
        "completed_at": None,
        "expires_at": None,
        "current_lesson": {"id": str(course.lesson_ids[1]), "title": "Lesson 2"},
        "next_deadline": {
            "lesson": {"id": str(course.lesson_ids[2]), "title": "Lesson 3"},
            "due_at": "2026-05-10T16:00:00Z",
            "due_local": "2026-05-11T01:00:00+09:00",
            "is_overdue": False,
        },
        "is_overdue": False,
        "can": {
            "edit": True,
            "suspend": True,
            "reactivate": False,
            "withdraw": True,
            "restart": True,
            "why": True,
        },
    }


@pytest.mark.feature("PRG-01")
def test_the_roster_filters_and_sorts(acme: Organization, member: Make, sign_in: Sign) -> None:
    course = make_published_course(acme, modules=1, lessons=2)
    run_id = make_run(acme, course)
    people = _people(
        acme,
        member,
        ann={"last_name": "Zoe", "department": "Ops"},
        bob={"last_name": "Young", "department": "Sales", "employee_id": "E77"},
        cid={"last_name": "xavier", "department": "ops"},
        dan={"last_name": "Abel"},
    )
    made = {name: make_enrollment(acme, run_id, each.id) for name, each in people.items()}
    for name, done, days in (("ann", 2, 1), ("bob", 1, 2), ("cid", 0, 3)):
        caller = sign_in(acme, people[name])
        with clock.frozen_at(NOON + timedelta(days=days)):
            caller.get(_lesson(made[name], course, 0))
            for place in range(done):
                caller.post(f"{_lesson(made[name], course, place)}/complete")
    with in_organization(acme):
        Enrollment.objects.filter(pk=made["dan"]).update(state=EnrollmentState.SUSPENDED)
    admin = sign_in(acme, Role.ADMIN)

    def found(**query: Any) -> list[str]:
        return _emails(admin, run_id, **query)

    assert found() == ["dan", "cid", "bob", "ann"]
    assert found(sort="name") == ["dan", "cid", "bob", "ann"]
    assert found(sort="-name") == ["ann", "bob", "cid", "dan"]
    assert found(sort="percent") == ["cid", "dan", "bob", "ann"]
    assert found(sort="-percent") == ["ann", "bob", "dan", "cid"]
    assert found(sort="last_access") == ["dan", "ann", "bob", "cid"]
    assert found(sort="-last_access") == ["cid", "bob", "ann", "dan"]
    assert found(state="suspended") == ["dan"]
    assert found(standing="not_started") == ["dan"]
    assert found(standing="in_progress", sort="name") == ["cid", "bob"]
    assert found(standing="finished") == ["ann"]
    assert found(department="OPS", sort="name") == ["cid", "ann"]
    assert found(inactive_since=(NOON + timedelta(days=2, hours=1)).isoformat(), sort="name") == [
        "dan",
        "bob",
    ]
    assert found(search="e77") == ["bob"]
    assert found(search="cid xav") == ["cid"]
    assert found(search="ANN@") == ["ann"]
    assert found(search="%") == []
    for bad in ({"sort": "x"}, {"standing": "x"}, {"state": "x"}, {"inactive_since": "x"}):
        assert admin.get(f"/api/v1/runs/{run_id}/progress", bad).status_code == 400
    for sort in ("name", "-percent", "last_access"):
        pages, url = [], f"/api/v1/runs/{run_id}/progress?limit=1&sort={sort}"
        while url:
            page = admin.get(url).json()
            pages += [row["member_email"].split("@")[0] for row in page["results"]]
            url = page["next"]
        assert pages == found(sort=sort)


def test_behind_is_who_missed_a_deadline_of_a_required_lesson(
    acme: Organization, member: Make, sign_in: Sign
) -> None:
    course = make_published_course(acme, modules=1, lessons=3, optional=frozenset({2}))
    run_id = make_run(acme, course)
    people = _people(acme, member, ann={}, bob={}, cid={})
    made = {name: make_enrollment(acme, run_id, each.id) for name, each in people.items()}
    _due(acme, run_id, course.lesson_ids[0], "2026-05-05T12:00")
    _due(acme, run_id, course.lesson_ids[2], "2026-05-04T13:00")
    ann = sign_in(acme, people["ann"])
    with clock.frozen_at(NOON):
        assert ann.post(f"{_lesson(made['ann'], course, 0)}/complete").status_code == 200
    with in_organization(acme):
        Enrollment.objects.filter(pk=made["cid"]).update(state=EnrollmentState.WITHDRAWN)
    admin = sign_in(acme, Role.ADMIN)

    with clock.frozen_at(NOON + timedelta(days=1) - timedelta(seconds=1)):
        before = _emails(admin, run_id, standing="behind")
    with clock.frozen_at(NOON + timedelta(days=1)):
        after = _emails(admin, run_id, standing="behind")
        overdue = {row["member_email"].split("@")[0]: row["is_overdue"] for row in _rows(admin, run_id)}

    assert (before, after) == ([], ["bob"])
    assert overdue == {"ann": False, "bob": True, "cid": False}


def test_after_the_runs_end_everybody_who_has_not_finished_is_behind(
    acme: Organization, member: Make, sign_in: Sign
) -> None:
    course = make_published_course(acme, modules=1, lessons=1)
    run_id = make_run(acme, course, ends_at=NOON + timedelta(days=1), timezone="America/Lima")
    people = _people(acme, member, ann={}, bob={})
    made = {name: make_enrollment(acme, run_id, each.id) for name, each in people.items()}
    ann = sign_in(acme, people["ann"])
    with clock.frozen_at(NOON):
        assert ann.post(f"{_lesson(made['ann'], course, 0)}/complete").status_code == 200
    admin = sign_in(acme, Role.ADMIN)

    with clock.frozen_at(NOON + timedelta(days=1)):
        found = {row["member_email"].split("@")[0]: row for row in _rows(admin, run_id)}

        assert _emails(admin, run_id, standing="behind") == ["bob"]
    assert found["ann"]["next_deadline"] is None
    assert found["bob"]["next_deadline"] == {
        "lesson": None,
        "due_at": "2026-05-05T12:00:00Z",
        "due_local": "2026-05-05T12:00:00+00:00",
        "is_overdue": True,
    }


def _rights(
    organization: Organization, membership: Membership, model: Any, right: str, target: uuid.UUID
) -> None:
    permission = Permission.objects.get(codename=right)
    with in_organization(organization):
        model.objects.create(user_id=membership.user_id, permission=permission, content_object_id=target)


@pytest.mark.parametrize("report", ["", "/lessons", "/matrix", "/report.csv"])
def test_reports_are_for_those_who_teach_lead_or_run_the_place(
    acme: Organization, globex: Organization, member: Make, sign_in: Sign, report: str
) -> None:
    course = make_published_course(acme, modules=1, lessons=1)
    run_id = make_run(acme, course)
    teacher, boss = member(acme, Role.INSTRUCTOR), member(acme, Role.MANAGER)
    people = _people(acme, member, ann={"manager_id": boss.id}, bob={})
    for each in people.values():
        make_enrollment(acme, run_id, each.id)
    _rights(acme, teacher, RunRight, "teach_run", run_id)
    path = f"/api/v1/runs/{run_id}/progress{report}"

    def seen(caller: Any) -> int | set[str]:
        answer = caller.get(path)
        if answer.status_code != 200:
            return int(answer.status_code)
        body = b"".join(answer.streaming_content) if answer.streaming else answer.content
        if report == "/lessons":
            return {"ann", "bob"} if answer.json()["learners"] == 2 else {"ann"}
        return {name for name in ("ann", "bob") if f"{name}@acme".encode() in body}

    assert seen(sign_in(acme, Role.ADMIN)) == {"ann", "bob"}
    assert seen(sign_in(acme, teacher)) == {"ann", "bob"}
    assert seen(sign_in(acme, boss)) == {"ann"}
    assert seen(sign_in(acme, people["ann"])) == 403
    assert seen(sign_in(acme, Role.INSTRUCTOR)) == 404
    assert seen(sign_in(acme, Role.LEARNER)) == 403
    assert seen(sign_in(globex, Role.OWNER)) == 404


@pytest.mark.parametrize(("people", "due"), [(2, False), (12, False), (2, True), (12, True)])
def test_the_reports_take_as_many_statements_for_many_as_for_few(
    acme: Organization, member: Make, sign_in: Sign, people: int, due: bool
) -> None:
    course = make_published_course(acme, modules=2, lessons=people)
    run_id = make_run(acme, course)
    for _ in range(people):
        learner = member(acme)
        enrollment_id = make_enrollment(acme, run_id, learner.id)
        with in_organization(acme):
            LessonRecord.objects.bulk_create(
                LessonRecord(
                    enrollment_id=enrollment_id, lesson_id=each, lineage=_lineage(each), completed_at=NOON
                )
                for each in course.lesson_ids[1:]
            )
    if due:
        _due(acme, run_id, course.lesson_ids[0], "2026-05-05T12:00")
    admin, counts = sign_in(acme, Role.ADMIN), {}

    for report in ("", "?standing=behind", "/lessons", "/matrix"):
        admin.get(f"/api/v1/runs/{run_id}/progress{report}")
        with statements() as found:
            assert admin.get(f"/api/v1/runs/{run_id}/progress{report}").status_code == 200
        counts[report] = len(found)

    # Where nothing is due nobody is behind, and no page is asked for.
    assert counts == {"": 4 + due, "?standing=behind": 7 if due else 3, "/lessons": 5, "/matrix": 5}


@pytest.mark.feature("CNT-18")
def test_counters_of_lessons_equal_a_recount(acme: Organization, member: Make, sign_in: Sign) -> None:
    course = make_published_course(acme, modules=1, lessons=3)
    first, second = make_run(acme, course), make_run(acme, course)
    views: dict[int, int] = {0: 0, 1: 0, 2: 0}
    done: dict[int, int] = {0: 0, 1: 0, 2: 0}
    in_first = {0: [0, 0, 0], 1: [0, 0, 0], 2: [0, 0, 0]}  # opened by, completed by, views
    for number in range(5):
        learner = member(acme)
        run_id = (first, second)[number % 2]
        enrollment_id = make_enrollment(acme, run_id, learner.id)
        caller = sign_in(acme, learner)
        for place in range(3):
            for _ in range(number - place):
                assert caller.get(_lesson(enrollment_id, course, place)).status_code == 200
                views[place] += 1
                in_first[place][2] += run_id == first
            if number > place:
                in_first[place][0] += run_id == first
            if number > place + 1:
                caller.post(f"{_lesson(enrollment_id, course, place)}/complete")
                caller.post(f"{_lesson(enrollment_id, course, place)}/complete")
                done[place] += 1
                in_first[place][1] += run_id == first
    admin = sign_in(acme, Role.ADMIN)

    over_all = admin.get(f"/api/v1/courses/{course.course_id}/lesson-stats").json()["lessons"]
    of_first = admin.get(f"/api/v1/runs/{first}/progress/lessons").json()

    assert [row["views"] for row in over_all] == [views[place] for place in range(3)]
    assert [row["completions"] for row in over_all] == [done[place] for place in range(3)]
    assert [row["runs"] for row in over_all] == [2, 2, 2]
    assert of_first["learners"] == 3
    assert [[row["opened"], row["completed"], row["views"]] for row in of_first["lessons"]] == [
        in_first[place] for place in range(3)
    ]
    with in_organization(acme):
        for place, row in enumerate(over_all):
            records = LessonRecord.objects.filter(lineage=row["lineage"])
            assert sum(each.view_count for each in records) == views[place]
            assert sum(each.completed_at is not None for each in records) == done[place]


@pytest.mark.feature("CNT-18")
def test_lessons_keep_their_counts_over_versions_and_attempts(
    acme: Organization, member: Make, sign_in: Sign
) -> None:
    course = make_published_course(acme, modules=1, lessons=2)
    run_id, learner = make_run(acme, course), member(acme)
    enrollment_id = make_enrollment(acme, run_id, learner.id)
    caller = sign_in(acme, learner)
    for place in (0, 1):
        caller.get(_lesson(enrollment_id, course, place))
        caller.post(f"{_lesson(enrollment_id, course, place)}/complete")
    with in_organization(acme):
        Enrollment.objects.update(attempt=2, state=EnrollmentState.ACTIVE)
    caller.get(_lesson(enrollment_id, course, 0))
    newer = publish_another_version(acme, course.course_id, modules=1, lessons=1)
    admin = sign_in(acme, Role.ADMIN)

    rows = admin.get(f"/api/v1/courses/{course.course_id}/lesson-stats").json()["lessons"]
    now = admin.get(f"/api/v1/runs/{run_id}/progress/lessons").json()["lessons"]

    assert [(row["lesson_id"], row["is_current"], row["views"], row["completions"]) for row in rows] == [
        (str(newer.lesson_ids[0]), True, 0, 0),
        (str(course.lesson_ids[0]), False, 2, 1),
        (str(course.lesson_ids[1]), False, 1, 1),
    ]
    assert [(row["opened"], row["completed"], row["views"]) for row in now] == [(1, 0, 1), (0, 0, 0)]


@pytest.mark.feature("CNT-18")
def test_lesson_stats_are_for_those_who_work_on_the_course(
    acme: Organization, globex: Organization, member: Make, sign_in: Sign
) -> None:
    course = make_published_course(acme)
    author = member(acme, Role.INSTRUCTOR)
    _rights(acme, author, CourseRight, "edit_course", course.course_id)
    path = f"/api/v1/courses/{course.course_id}/lesson-stats"

    assert sign_in(acme, author).get(path).status_code == 200
    assert sign_in(acme, Role.INSTRUCTOR).get(path).status_code == 403
    assert sign_in(acme, Role.LEARNER).get(path).status_code == 403
    assert sign_in(globex, Role.OWNER).get(path).status_code == 404
    with in_organization(acme):
        Course.objects.update(deleted_at=NOON)
    assert sign_in(acme, Role.ADMIN).get(path).status_code == 404


@pytest.mark.feature("PRG-01")
def test_the_matrix_shows_learners_by_lessons(acme: Organization, member: Make, sign_in: Sign) -> None:
    course = make_published_course(acme, modules=2, lessons=2)
    run_id = make_run(acme, course)
    people = _people(acme, member, ann={}, bob={})
    made = {name: make_enrollment(acme, run_id, each.id) for name, each in people.items()}
    caller = sign_in(acme, people["ann"])
    with clock.frozen_at(NOON):
        caller.get(_lesson(made["ann"], course, 2))
        caller.post(f"{_lesson(made['ann'], course, 2)}/complete")
        caller.post(f"{_lesson(made['ann'], course, 0)}/report", {"position_seconds": 5, "percent": 40})

    page = sign_in(acme, Role.ADMIN).get(f"/api/v1/runs/{run_id}/progress/matrix", {"sort": "name"}).json()

    assert [each["id"] for each in page["lessons"]] == [str(each) for each in course.lesson_ids]
    ann, bob = page["results"]
    assert ann["enrollment_id"] == str(made["ann"])
    assert ann["completed_at"] == [None, None, "2026-05-04T12:00:00Z", None]
    assert ann["views"] == [1, 0, 1, 0]
    assert ann["reached"] == [40, 0, 0, 0]
    assert (ann["completed"], ann["percent"]) == (1, 25)
    assert (bob["completed_at"], bob["views"], bob["percent"]) == ([None] * 4, [0] * 4, 0)


def test_the_file_holds_everybody_and_runs_nothing(acme: Organization, member: Make, sign_in: Sign) -> None:
    course = make_published_course(acme, modules=1, lessons=2)
    run_id = make_run(acme, course)
    formula = '=HYPERLINK("https://evil.example")'
    people = _people(
        acme, member, ann={"last_name": "Ames", "department": "@SUM(A1)"}, bob={"last_name": "Baker, Jr."}
    )
    made = {name: make_enrollment(acme, run_id, each.id) for name, each in people.items()}
    with in_organization(acme):
        Member.objects.filter(pk=people["ann"].id).update(first_name=formula, last_name="")
    bob = sign_in(acme, people["bob"])
    with clock.frozen_at(NOON):
        assert bob.post(f"{_lesson(made['bob'], course, 1)}/complete").status_code == 200

    answer = sign_in(acme, Role.ADMIN).get(f"/api/v1/runs/{run_id}/progress/report.csv")

    assert (answer.status_code, answer["Content-Type"]) == (200, "text/csv; charset=utf-8")
    assert answer["Content-Disposition"] == f'attachment; filename="progress-{run_id}.csv"'
    text = b"".join(answer.streaming_content).decode()
    assert list(csv.reader(io.StringIO(text, newline=""))) == [
        [
            "name",
            "email",
            "department",
            "state",
            "attempt",
            "percent",
            "completed",
            "total",
            "last_access",
            "Lesson 1",
            "Lesson 2",
        ],
        [f"'{formula}", "ann@acme.example", "'@SUM(A1)", "active", "1", "0", "0", "2", "", "", ""],
        [
            *("Bob Baker, Jr.", "bob@acme.example", "", "active", "1", "50", "1", "2"),
            *("2026-05-04T12:00:00Z", "", "2026-05-04T12:00:00Z"),
        ],
    ]


def test_a_long_file_comes_whole_page_after_page(
    acme: Organization, member: Make, sign_in: Sign, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = make_run(acme, make_published_course(acme, modules=1, lessons=1))
    made = [make_enrollment(acme, run_id, member(acme).id) for _ in range(5)]
    monkeypatch.setattr("api.v1.learning.progress_file._ROWS_AT_ONCE", 2)

    answer = sign_in(acme, Role.ADMIN).get(f"/api/v1/runs/{run_id}/progress/report.csv")

    text = b"".join(answer.streaming_content).decode()
    assert len(list(csv.DictReader(io.StringIO(text, newline="")))) == len(made)
