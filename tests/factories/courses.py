"""Courses as publishing leaves them, written with the models for tests that need no authoring."""

import itertools
import uuid
from dataclasses import dataclass

from shared_apps.core import clock
from tenant_apps.courses.content.digest import text_digest
from tenant_apps.courses.enums import BodyFormat, CourseState, VersionState
from tenant_apps.courses.models import Course, CourseVersion, Lesson, LessonText, Module
from tenant_apps.people.models import Member
from tenants.context import in_organization
from tenants.models import Organization

_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class PublishedCourse:
    """A course with one published version; lesson ids in the order learners meet them."""

    course_id: uuid.UUID
    version_id: uuid.UUID
    module_ids: list[uuid.UUID]
    lesson_ids: list[uuid.UUID]


def make_published_course(
    organization: Organization,
    *,
    modules: int = 2,
    lessons: int = 3,
    optional: frozenset[int] = frozenset(),
    hidden: frozenset[int] = frozenset(),
    title: str = "Security for new staff",
) -> PublishedCourse:
    """Make a published course.

    Args:
        organization: whose.
        modules: number of modules.
        lessons: lessons in each module.
        optional: places (0-based, over all modules) of lessons that are not required.
        hidden: places of lessons that are not published.
        title: of the course.
    """
    with in_organization(organization):
        owner = Member.objects.order_by("created_at")[0]
        course = Course.objects.create(slug=f"course-{next(_numbers)}", title=title, owner=owner)
        return publish_another_version(
            organization, course.id, modules=modules, lessons=lessons, optional=optional, hidden=hidden
        )


def make_text(body: str, body_html: str | None = None) -> LessonText:
    """Return an unsaved text; its HTML is the body in one paragraph unless given."""
    return LessonText(
        body=body,
        body_html=f"<p>{body}</p>" if body_html is None else body_html,
        digest=text_digest(BodyFormat.MARKDOWN, body),
    )


def publish_another_version(
    organization: Organization,
    course_id: uuid.UUID,
    *,
    modules: int = 2,
    lessons: int = 3,
    optional: frozenset[int] = frozenset(),
    hidden: frozenset[int] = frozenset(),
    published: bool = True,
) -> PublishedCourse:
    """Add a version to a course and publish it; `published=False` leaves it a draft."""
    with in_organization(organization):
        number = CourseVersion.objects.filter(course_id=course_id).count() + 1
        version = CourseVersion.objects.create(course_id=course_id, number=number)
        made_modules = Module.objects.bulk_create(
            Module(version=version, title=f"Module {place + 1}", position=place) for place in range(modules)
        )
        # Rows are written last to first, so that an order by key would be seen to be wrong.
        made = [
            Lesson(
                version=version,
                module=made_modules[place // lessons],
                title=f"Lesson {place + 1}",
                position=place % lessons,
                is_required=place not in optional,
                is_published=place not in hidden,
                minutes=5,
                text=make_text(f"Text {place + 1}"),
            )
            for place in reversed(range(modules * lessons))
        ]
        LessonText.objects.bulk_create([lesson.text for lesson in made if lesson.text])
        Lesson.objects.bulk_create(made)
        made.reverse()
        if published:
            visible = [lesson for lesson in made if lesson.is_published]
            CourseVersion.objects.filter(pk=version.pk).update(
                state=VersionState.PUBLISHED,
                published_at=clock.now(),
                lesson_count=len(visible),
                required_count=sum(lesson.is_required for lesson in visible),
            )
            Course.objects.filter(pk=course_id).update(
                state=CourseState.PUBLISHED, current_version_id=version.id
            )
        return PublishedCourse(
            course_id, version.id, [module.id for module in made_modules], [lesson.id for lesson in made]
        )
