"""A topic below a lesson that is not published is nowhere for learners, whoever knows its id."""

from collections.abc import Callable
from typing import Any

import pytest

from shared_apps.accounts.models import Membership
from tenant_apps.courses.enums import CourseState, VersionState
from tenant_apps.courses.models import Course, CourseVersion, Lesson
from tenant_apps.learning.models import LessonRecord
from tenants.context import in_organization
from tenants.models import Organization
from tests.factories.courses import make_published_course, publish_another_version
from tests.factories.runs import make_enrollment, make_run

Make = Callable[..., Membership]
Sign = Callable[..., Any]


@pytest.mark.feature("PRG-02")
@pytest.mark.parametrize(
    ("method", "act", "body"),
    [
        ("post", "/complete", None),
        ("post", "/report", {"position_seconds": 1, "watched_seconds": 1}),
        ("post", "/marks", {"kind": "note", "body": "x"}),
        ("get", "", None),
        ("get", "/why", None),
    ],
)
def test_a_topic_of_an_unpublished_lesson_is_not_there(
    method: str, act: str, body: Any, acme: Organization, member: Make, sign_in: Sign
) -> None:
    course, who = make_published_course(acme), member(acme)
    draft = publish_another_version(acme, course.course_id, hidden=frozenset({1}), published=False)
    with in_organization(acme):
        topics = [
            Lesson.objects.create(
                version_id=draft.version_id,
                module_id=draft.module_ids[0],
                parent_id=draft.lesson_ids[place],
                title="Topic",
                position=0,
            )
            for place in (0, 1)
        ]
        CourseVersion.objects.filter(pk=draft.version_id).update(
            state=VersionState.PUBLISHED, lesson_count=5, required_count=5
        )
        Course.objects.filter(pk=course.course_id).update(
            state=CourseState.PUBLISHED, current_version_id=draft.version_id
        )
    enrollment_id = make_enrollment(acme, make_run(acme, draft), who.pk)
    caller = sign_in(acme, who)
    shown, hidden = (f"/api/v1/my-courses/{enrollment_id}/lessons/{topic.pk}{act}" for topic in topics)

    answer = getattr(caller, method)(hidden, body)

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    with in_organization(acme):
        assert not LessonRecord.objects.filter(enrollment_id=enrollment_id).exists()
    assert getattr(caller, method)(shown, body).status_code in {200, 201}
