"""Bookmarks and notes: one's own, in their place, to take along."""

import csv
import io
import json
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from shared_apps.accounts.models import Membership
from shared_apps.core import clock
from shared_apps.core.actors import Role
from tenant_apps.courses.enums import VersionState
from tenant_apps.courses.models import Course, CourseVersion, Lesson
from tenant_apps.learning.enums import MarkKind
from tenant_apps.learning.models import LessonMark
from tenant_apps.learning.services.marks import MOST_IN_A_COURSE
from tenant_apps.runs.enums import EnrollmentState
from tenant_apps.runs.models import CourseRun, Enrollment
from tenants.context import in_organization
from tenants.models import Organization
from tests.factories.courses import PublishedCourse, make_published_course, publish_another_version
from tests.factories.runs import make_enrollment, make_run

Sign = Callable[..., Any]
Make = Callable[..., Membership]

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
XSS = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "[click](javascript:alert(1))",
    "![x](x onerror=alert(1))",
    "<svg/onload=alert(1)>",
    "</textarea><iframe src=//evil.example>",
    "{{constructor.constructor('alert(1)')()}}",
    "<https://evil.example>",
    "```\n<b>\n```",
    "    <b>indented</b>",
    "| a | b |\n|---|---|\n| <i> | x |",
]
FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\uff1d1", '=HYPERLINK("https://evil.example")']


def _enrolled(
    organization: Organization, member: Make, course: PublishedCourse
) -> tuple[Membership, uuid.UUID]:
    learner = member(organization)
    return learner, make_enrollment(organization, make_run(organization, course), learner.id)


def _marks(enrollment_id: uuid.UUID, course: PublishedCourse, place: int = 0) -> str:
    return f"/api/v1/my-courses/{enrollment_id}/lessons/{course.lesson_ids[place]}/marks"


def _note(caller: Any, path: str, body: str = "Look it up", **facts: Any) -> Any:
    answer = caller.post(path, {"kind": "note", "body": body} | facts)
    assert answer.status_code == 201, answer.content
    return answer.json()


@pytest.mark.feature("PRG-07")
@pytest.mark.feature("PRG-08")
def test_a_mark_keeps_its_place_and_colour(acme: Organization, member: Make, sign_in: Sign) -> None:
    course = make_published_course(acme, title="Fire safety")
    learner, enrollment_id = _enrolled(acme, member, course)
    caller, path = sign_in(acme, learner), _marks(enrollment_id, course)

    with clock.frozen_at(NOON):
        made = caller.post(path, {"kind": "bookmark", "position_seconds": 95, "colour": "#FFaa00"})
    bookmark = made.json()

    assert (made.status_code, made["Location"]) == (201, f"/api/v1/my-notes/{bookmark['id']}")
    lineage = bookmark.pop("lineage")
    assert bookmark == {
        "id": bookmark["id"],
        "kind": "bookmark",
        "position_seconds": 95,
        "colour": "#ffaa00",
        "body": "",
        "enrollment_id": str(enrollment_id),
        "course_id": str(course.course_id),
        "course_title": "Fire safety",
        "run_title": "A run",
        "lesson_id": str(course.lesson_ids[0]),
        "lesson_title": "Lesson 1",
        "created_at": "2026-05-04T12:00:00Z",
        "updated_at": "2026-05-04T12:00:00Z",
        "can": {"edit": True, "delete": True},
    }
    with in_organization(acme):
        assert str(LessonMark.objects.get().lineage) == lineage


@pytest.mark.feature("PRG-08")
def test_a_note_is_changed_and_deleted(acme: Organization, member: Make, sign_in: Sign) -> None:
    course = make_published_course(acme)
    learner, enrollment_id = _enrolled(acme, member, course)
    caller = sign_in(acme, learner)
    note = _note(caller, _marks(enrollment_id, course), "first", position_seconds=5, colour="#000000")
    path = f"/api/v1/my-notes/{note['id']}"

    changed = caller.patch(path, {"body": "  second\n", "position_seconds": None})
    emptied = caller.patch(path, {"body": " \n"})

    assert changed.status_code == 200
    assert (changed.json()["body"], changed.json()["position_seconds"]) == ("  second\n", None)
    assert changed.json()["colour"] == "#000000"
    assert (emptied.status_code, emptied.json()["code"]) == (400, "note_empty")
    assert caller.get(path).json()["body"] == "  second\n"
    assert caller.delete(path).status_code == 204
    assert [caller.delete(path).status_code, caller.get(path).status_code] == [404, 404]


@pytest.mark.feature("PRG-07")
@pytest.mark.feature("PRG-08")
def test_nobody_else_reaches_a_mark_whatever_the_role(
    acme: Organization, member: Make, sign_in: Sign
) -> None:
    course = make_published_course(acme)
    learner, enrollment_id = _enrolled(acme, member, course)
    note = _note(sign_in(acme, learner), _marks(enrollment_id, course), "mine")
    path = f"/api/v1/my-notes/{note['id']}"

    for role in (Role.OWNER, Role.ADMIN, Role.MANAGER, Role.INSTRUCTOR, Role.LEARNER):
        other = sign_in(acme, role)
        assert other.get(path).status_code == 404
        assert other.patch(path, {"body": "theirs"}).status_code == 404
        assert other.delete(path).status_code == 404
        assert other.get("/api/v1/my-notes").json()["results"] == []
        assert other.get(_marks(enrollment_id, course)).status_code == 404
        assert other.post(_marks(enrollment_id, course), {"kind": "bookmark"}).status_code == 404
        assert other.get(f"/api/v1/my-courses/{enrollment_id}/marks").status_code == 404
        exported = b"".join(other.get("/api/v1/my-notes/export").streaming_content)
        assert json.loads(exported) == {"notes": []}
    with in_organization(acme):
        assert LessonMark.objects.get().body == "mine"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"kind": "note"}, 400),
        ({"kind": "note", "body": "  "}, 400),
        ({"kind": "note", "body": "x" * 10_000}, 201),
        ({"kind": "note", "body": "x" * 10_001}, 400),
        ({"kind": "note", "body": "a\x00b"}, 400),
        ({"kind": "sticker", "body": "x"}, 400),
        ({"body": "x"}, 400),
        ({"kind": "bookmark", "colour": "red"}, 400),
        ({"kind": "bookmark", "colour": "#12345"}, 400),
        ({"kind": "bookmark", "colour": "#12345g"}, 400),
        ({"kind": "bookmark", "colour": ""}, 201),
        ({"kind": "bookmark", "position_seconds": -1}, 400),
        ({"kind": "bookmark", "position_seconds": 2**40}, 400),
        ({"kind": "bookmark"}, 201),
    ],
)
def test_what_a_mark_may_hold(
    acme: Organization, member: Make, sign_in: Sign, body: dict[str, Any], code: int
) -> None:
    course = make_published_course(acme)
    learner, enrollment_id = _enrolled(acme, member, course)

    assert sign_in(acme, learner).post(_marks(enrollment_id, course), body).status_code == code
    with in_organization(acme):
        assert LessonMark.objects.count() == (code == 201)


@pytest.mark.feature("PRG-08")
def test_lists_filter_search_and_sort(acme: Organization, member: Make, sign_in: Sign) -> None:
    first, second = make_published_course(acme, title="Fire"), make_published_course(acme, title="Water")
    learner, one = _enrolled(acme, member, first)
    two = make_enrollment(acme, make_run(acme, second), learner.id)
    caller = sign_in(acme, learner)
    _note(caller, _marks(one, first), "Alpha 50%", position_seconds=30, colour="#ff0000")
    _note(caller, _marks(one, first), "beta", position_seconds=10, colour="#00ff00")
    _note(caller, _marks(one, first, 1), "gamma")
    caller.post(_marks(two, second), {"kind": "bookmark", "position_seconds": 20, "colour": "#FF0000"})

    def found(path: str = "/api/v1/my-notes", **query: Any) -> list[str]:
        answer = caller.get(path, query)
        assert answer.status_code == 200, answer.content
        return [row["body"] or row["kind"] for row in answer.json()["results"]]

    assert found() == ["bookmark", "gamma", "beta", "Alpha 50%"]
    assert found(sort="oldest") == ["Alpha 50%", "beta", "gamma", "bookmark"]
    assert found(kind="bookmark") == ["bookmark"]
    assert found(colour="#FF0000") == ["bookmark", "Alpha 50%"]
    assert found(course_id=second.course_id) == ["bookmark"]
    assert found(enrollment_id=one) == ["gamma", "beta", "Alpha 50%"]
    assert found(search="ALPHA") == ["Alpha 50%"]
    assert found(search="0%") == ["Alpha 50%"]
    assert found(search="lesson 2") == ["gamma"]
    assert found(_marks(one, first), sort="position") == ["beta", "Alpha 50%"]
    assert found(f"/api/v1/my-courses/{one}/marks") == ["gamma", "beta", "Alpha 50%"]
    pages, url = [], "/api/v1/my-notes?sort=position&limit=1"
    while url:
        page = caller.get(url).json()
        pages += [row["body"] or row["kind"] for row in page["results"]]
        url = page["next"]
    assert pages == ["gamma", "beta", "bookmark", "Alpha 50%"]
    assert caller.get("/api/v1/my-notes", {"sort": "colour"}).status_code == 400


@pytest.mark.feature("PRG-08")
@pytest.mark.feature("CRS-06")
def test_switched_off_no_notes_are_taken_and_those_there_stay_the_learners(
    acme: Organization, member: Make, sign_in: Sign
) -> None:
    course = make_published_course(acme)
    learner, enrollment_id = _enrolled(acme, member, course)
    caller, path = sign_in(acme, learner), _marks(enrollment_id, course)
    note = _note(caller, path)
    with in_organization(acme):
        Course.objects.filter(pk=course.course_id).update(switches={"notes": False})

    closed = [
        caller.post(path, {"kind": "bookmark"}),
        caller.get(path),
        caller.get(f"/api/v1/my-courses/{enrollment_id}/marks"),
        caller.patch(f"/api/v1/my-notes/{note['id']}", {"body": "x"}),
    ]

    assert [(each.status_code, each.json()["code"]) for each in closed] == [(403, "switched_off")] * 4
    assert caller.get(f"/api/v1/my-notes/{note['id']}").json()["can"] == {"edit": False, "delete": True}
    assert len(caller.get("/api/v1/my-notes").json()["results"]) == 1
    assert caller.delete(f"/api/v1/my-notes/{note['id']}").status_code == 204


@pytest.mark.feature("PRG-08")
@pytest.mark.feature("ENT-03")
def test_writing_takes_an_open_lesson_and_reading_does_not(
    acme: Organization, member: Make, sign_in: Sign
) -> None:
    course = make_published_course(acme)
    learner, enrollment_id = _enrolled(acme, member, course)
    caller, path = sign_in(acme, learner), _marks(enrollment_id, course)
    _note(caller, path)
    with in_organization(acme):
        Enrollment.objects.update(state=EnrollmentState.SUSPENDED)

    refused = caller.post(path, {"kind": "bookmark"})

    assert (refused.status_code, refused.json()["code"]) == (403, "enrollment_not_active")
    assert len(caller.get(path).json()["results"]) == 1
    assert (
        caller.post(
            _marks(enrollment_id, course).replace(str(course.lesson_ids[0]), str(uuid.uuid4())),
            {"kind": "bookmark"},
        ).status_code
        == 404
    )


@pytest.mark.feature("PRG-07")
@pytest.mark.feature("PRG-08")
def test_marks_outlive_a_restart_and_a_move_of_the_run(
    acme: Organization, member: Make, sign_in: Sign
) -> None:
    course = make_published_course(acme)
    learner, enrollment_id = _enrolled(acme, member, course)
    caller = sign_in(acme, learner)
    kept = _note(caller, _marks(enrollment_id, course), "kept")
    lost = _note(caller, _marks(enrollment_id, course, 1), "its lesson goes")
    newer = publish_another_version(acme, course.course_id, modules=1, lessons=1, published=False)
    with in_organization(acme):
        from_lesson = LessonMark.objects.get(pk=kept["id"]).lineage
        Lesson.objects.filter(pk=newer.lesson_ids[0]).update(lineage=from_lesson, title="Renamed")
        CourseVersion.objects.filter(pk=newer.version_id).update(state=VersionState.PUBLISHED)
        CourseRun.objects.update(version_id=newer.version_id)
        Enrollment.objects.update(attempt=2)

    rows = {row["id"]: row for row in caller.get("/api/v1/my-notes").json()["results"]}

    assert (rows[kept["id"]]["lesson_id"], rows[kept["id"]]["lesson_title"]) == (
        str(newer.lesson_ids[0]),
        "Renamed",
    )
    assert (rows[lost["id"]]["body"], rows[lost["id"]]["lesson_id"]) == ("its lesson goes", None)


def test_a_course_holds_so_many_marks_and_no_more(acme: Organization, member: Make, sign_in: Sign) -> None:
    course = make_published_course(acme)
    learner, enrollment_id = _enrolled(acme, member, course)
    with in_organization(acme):
        LessonMark.objects.bulk_create(
            LessonMark(enrollment_id=enrollment_id, lineage=uuid.uuid4(), kind=MarkKind.BOOKMARK)
            for _ in range(MOST_IN_A_COURSE)
        )

    answer = sign_in(acme, learner).post(_marks(enrollment_id, course), {"kind": "bookmark"})

    assert (answer.status_code, answer.json()["code"]) == (409, "too_many_marks")
    assert answer.json()["facts"] == {"most": MOST_IN_A_COURSE}


@pytest.mark.feature("PRG-08")
@pytest.mark.parametrize("body", [*XSS, *FORMULAS])
def test_notes_come_back_as_written_and_run_nowhere(
    acme: Organization, member: Make, sign_in: Sign, body: str
) -> None:
    course = make_published_course(acme, title=body[:80])
    learner, enrollment_id = _enrolled(acme, member, course)
    caller = sign_in(acme, learner)

    note = _note(caller, _marks(enrollment_id, course), body)

    assert note["body"] == body
    files = {
        form: caller.get("/api/v1/my-notes/export", {"form": form}) for form in ("json", "csv", "markdown")
    }
    for answer in files.values():
        assert answer["Content-Disposition"].startswith("attachment; filename=")
        assert answer["X-Content-Type-Options"] == "nosniff"
    text = {form: b"".join(answer.streaming_content).decode() for form, answer in files.items()}
    [row] = json.loads(text["json"])["notes"]
    assert (row["body"], row["course_title"]) == (body, body[:80])
    [line] = csv.DictReader(io.StringIO(text["csv"], newline=""))
    assert line["body"] in (body, f"'{body}")
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\uff1d")) for cell in line.values())
    bare = "".join(text["markdown"].split("\\" + "\\"))
    for mark in "<>[]`|!{":
        assert all(bare[place - 1] == "\\" for place, each in enumerate(bare) if each == mark and place) or (
            mark == ">"
        )


@pytest.mark.feature("PRG-08")
def test_the_markdown_file_reads_in_order(acme: Organization, member: Make, sign_in: Sign) -> None:
    course = make_published_course(acme, title="Fire safety")
    learner, enrollment_id = _enrolled(acme, member, course)
    caller = sign_in(acme, learner)
    with clock.frozen_at(NOON):
        _note(caller, _marks(enrollment_id, course, 1), "two\nlines", position_seconds=3725, colour="#112233")
        caller.post(_marks(enrollment_id, course), {"kind": "bookmark", "position_seconds": 5})

    answer = caller.get("/api/v1/my-notes/export", {"form": "markdown"})

    assert b"".join(answer.streaming_content).decode() == (
        "# Notes\n\n## Fire safety\\, A run\n".replace("\\,", ",")
        + "\n### Lesson 1\n"
        + "\n- bookmark\\, 0\\:00\\:05\\, 2026\\-05\\-04 12\\:00 UTC\n\n"
        + "\n### Lesson 2\n"
        + "\n- note\\, 1\\:02\\:05\\, \\#112233\\, 2026\\-05\\-04 12\\:00 UTC\n"
        + "\n  > two\n  > lines\n"
    )
