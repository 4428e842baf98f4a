"""A learner opens the document of a lesson by a signed link, and nobody else does."""

from collections.abc import Callable

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from shared_apps.core.actors import Role
from tenant_apps.courses.enums import LessonKind, VersionState
from tenant_apps.courses.models import Course, CourseVersion, Lesson, Module
from tenant_apps.runs.models import CourseRun, Enrollment
from tenants.context import in_organization
from tenants.models import Organization
from tests.factories.courses import make_text
from tests.support.client import Caller

PDF = b"%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n"


@pytest.mark.feature("CNT-07")
def test_a_learner_opens_a_lessons_document_by_its_signed_link(
    acme: Organization,
    globex: Organization,
    member: Callable[..., object],
    sign_in: Callable[..., Caller],
    anonymous: Callable[[Organization], Caller],
) -> None:
    admin, learner = member(acme, Role.ADMIN), member(acme, Role.LEARNER)
    uploaded = sign_in(acme, admin).post(
        "/api/v1/files",
        {"file": SimpleUploadedFile("checklist.pdf", PDF, content_type="application/pdf")},
        format="multipart",
    )
    assert uploaded.status_code == 201, uploaded.content
    file_id = uploaded.json()["id"]
    with in_organization(acme):
        course = Course.objects.create(slug="documents", title="Documents", owner_id=admin.id)  # type: ignore[attr-defined]
        version = CourseVersion.objects.create(course=course, number=1)
        module = Module.objects.create(version=version, title="One", position=0)
        text = make_text("", f'<p><img src="attachment:{file_id}/picture.png"></p>')
        text.save()
        lesson = Lesson.objects.create(
            version=version,
            module=module,
            title="Checklist",
            position=0,
            kind=LessonKind.DOCUMENT,
            document_id=file_id,
            text=text,
        )
        CourseVersion.objects.filter(pk=version.pk).update(state=VersionState.PUBLISHED, lesson_count=1)
        run = CourseRun.objects.create(course=course, version=version, title="Run")
        enrollment = Enrollment.objects.create(run=run, member_id=learner.id)  # type: ignore[attr-defined]

    read = sign_in(acme, learner).get(f"/api/v1/my-courses/{enrollment.id}/lessons/{lesson.id}").json()
    link = read["document"]["url"]
    opened = anonymous(acme).get(link)
    body = opened.getvalue()

    assert (opened.status_code, body) == (200, PDF)
    assert opened["Content-Disposition"].startswith("attachment")
    assert f"/api/v1/files/{file_id}/download?sig=" in read["body_html"]
    assert anonymous(globex).get(link).status_code == 404
    assert sign_in(acme, Role.LEARNER).get(link).status_code == 404
    assert anonymous(acme).get(link[:-2]).status_code == 404
