"""Courses of the release before come through the migrations whole: what was published teaches the same, what
was completed stays completed, and whoever had access has it with a reason."""

import hashlib
import json
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection

from shared_apps.core.actors import Role
from shared_apps.core.ids import new_id
from tenant_apps.courses.models import Lesson, LessonText
from tenant_apps.courses.selectors.outline import get_outline, is_intact
from tenant_apps.learning.models import CourseProgress, LessonRecord
from tenant_apps.people.models import Member
from tenant_apps.runs.models import AccessGrant
from tenants.context import in_organization
from tenants.models import Organization, TenantSchema
from tenants.services.migrating.chart import Stand, chart, stand_of
from tenants.services.migrating.message import Context, Limits, Standing
from tenants.services.migrating.one_schema import SchemaMigrator

THEN = datetime(2026, 1, 5, 9, tzinfo=UTC)
LAST_OLD = {"courses": "0002", "runs": "0001", "learning": "0001", "paths": ""}


def _old_stand() -> Stand:
    return stand_of(
        (app, name) for app, name in chart().target.names if app not in LAST_OLD or name[:4] <= LAST_OLD[app]
    )


def _insert(table: str, **values: Any) -> uuid.UUID:
    made = new_id()
    row: dict[str, Any] = {"id": made, "created_at": THEN, "updated_at": THEN, **values}
    names, marks = ", ".join(row), ", ".join(["%s"] * len(row))
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} ({names}) VALUES ({marks})",
            list(row.values()),
        )
    return made


def _first_hash(modules: list[tuple[str, list[tuple[str, str]]]]) -> str:
    """Return the hash that the release before gave such a version, computed outside the product's code."""
    said = {
        "form": "course-content/1",
        "title": "",
        "summary": "",
        "language": "",
        "modules": [
            {
                "title": title,
                "summary": "",
                "lessons": [
                    {
                        "title": name,
                        "kind": "text",
                        "body": body,
                        "body_format": "markdown",
                        "document_sha256": None,
                        "embed_url": None,
                        "attachments": {},
                        "is_required": True,
                        "is_published": True,
                        "duration_minutes": 5,
                    }
                    for name, body in lessons
                ],
            }
            for title, lessons in modules
        ],
    }
    return hashlib.sha256(json.dumps(said, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _old_version(
    course_id: uuid.UUID, number: int, lineages: dict[str, uuid.UUID], bodies: dict[str, str]
) -> tuple[uuid.UUID, dict[str, uuid.UUID]]:
    """Write a published version as the release before left it; return its id and lesson ids by title."""
    version_id = _insert(
        "courses_courseversion",
        course_id=course_id,
        number=number,
        state="draft",
        revision=7,
        note="",
        content_hash="",
        lesson_count=0,
        required_count=0,
    )
    module_id = _insert(
        "courses_module",
        version_id=version_id,
        lineage=lineages["M"],
        key="",
        title="M",
        summary="",
        position=0,
    )
    lessons = {
        title: _insert(
            "courses_lesson",
            version_id=version_id,
            module_id=module_id,
            lineage=lineages[title],
            key="",
            title=title,
            kind="text",
            position=position,
            is_published=True,
            is_required=True,
            minutes=5,
            body_format="markdown",
            body=body,
            body_html=f"<p>{body}</p>\n",
            embed_url="",
        )
        for position, (title, body) in enumerate(bodies.items())
    }
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE courses_courseversion SET state = 'published', content_hash = %s, published_at = %s,"
            " lesson_count = %s, required_count = %s WHERE id = %s",
            [_first_hash([("M", list(bodies.items()))]), THEN, len(bodies), len(bodies), version_id],
        )
    return version_id, lessons


@pytest.mark.feature("OPS-09")
@pytest.mark.feature("VER-03")
@pytest.mark.feature("VER-04")
@pytest.mark.slow
def test_published_courses_with_progress_come_through_whole(
    committed: None, acme: Organization, member: Callable[..., Any]
) -> None:
    # given an organization that stands where the release before left it
    owner_id = member(acme, Role.OWNER).id
    row = TenantSchema.objects.get(id=acme.id)
    target, old = chart().target, _old_stand()
    migrator = SchemaMigrator(chart(), Context(None, Limits()))
    now = Standing(acme.id, row.schema_name, "acme", row.state, target.level, target.version)
    assert migrator.back(now, old)
    lineages = {title: new_id() for title in ("M", "A", "B")}
    with in_organization(acme):
        assert Member.objects.filter(pk=owner_id).exists()
        course_id = _insert(
            "courses_course",
            slug="old",
            title="Old",
            summary="",
            language="en",
            state="published",
            owner_id=owner_id,
        )
        first_id, first = _old_version(course_id, 1, lineages, {"A": "Same", "B": "Before"})
        second_id, _ = _old_version(course_id, 2, lineages, {"A": "Same", "B": "After"})
        run_id = _insert(
            "runs_courserun",
            course_id=course_id,
            version_id=first_id,
            title="Run",
            state="open",
            timezone="UTC",
        )
        enrollment_id = _insert(
            "runs_enrollment", run_id=run_id, member_id=owner_id, state="active", source="cohort"
        )
        _insert(
            "learning_lessonprogress", enrollment_id=enrollment_id, lesson_id=first["A"], completed_at=THEN
        )
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO learning_courseprogress (enrollment_id, created_at, updated_at, completed_count,"
                " required_completed_count) VALUES (%s, %s, %s, 1, 1)",
                [enrollment_id, THEN, THEN],
            )

    # when it is brought forward
    there = Standing(acme.id, row.schema_name, "acme", row.state, old.level, old.version)
    assert migrator.forward(there)

    # then texts have moved, each once, and the versions are what they were published as
    with in_organization(acme):
        for version_id, bodies in ((first_id, ["Same", "Before"]), (second_id, ["Same", "After"])):
            outline = get_outline(version_id)
            assert outline.content_hash == _first_hash([("M", list(zip("AB", bodies, strict=True)))])
            assert is_intact(outline)
            assert outline.state == "published"
            shown = [(one.title, one.body, one.body_html, one.lineage) for one in outline.lessons]
            assert shown == [
                (title, body, f"<p>{body}</p>\n", lineages[title])
                for title, body in zip("AB", bodies, strict=True)
            ]
        assert LessonText.objects.count() == 3
        assert Lesson.objects.filter(text=None).count() == 0
        record = LessonRecord.objects.get()
        assert (record.enrollment_id, record.attempt, record.lineage) == (enrollment_id, 1, lineages["A"])
        assert (record.lesson_id, record.completed_at) == (first["A"], THEN)
        progress = CourseProgress.objects.get()
        assert (progress.completed_count, progress.completed_weight) == (1, 1)
        grant = AccessGrant.objects.get()
        assert (grant.enrollment_id, grant.source, grant.starts_at, grant.ends_at) == (
            enrollment_id,
            "cohort",
            THEN,
            None,
        )
