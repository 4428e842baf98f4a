"""Published courses with rules: what opens when, what comes first, what completes."""

import itertools
import uuid
from dataclasses import dataclass, field
from typing import Any

from shared_apps.core import clock
from shared_apps.core.ids import new_id
from tenant_apps.courses.content.digest import text_digest
from tenant_apps.courses.enums import CourseState, VersionState
from tenant_apps.courses.models import Course, CourseVersion, Lesson, LessonText, Module
from tenant_apps.people.models import Member
from tenants.context import in_organization
from tenants.models import Organization
from tests.factories.courses import PublishedCourse

_numbers = itertools.count(1)


@dataclass
class LessonPlan:
    """A lesson of the course; `rules` are columns of its row, `topics` the lessons below it."""

    rules: dict[str, Any] = field(default_factory=dict)
    topics: list["LessonPlan"] = field(default_factory=list)
    lineage: uuid.UUID = field(default_factory=new_id)


@dataclass
class ModulePlan:
    """A module with its lessons; `rules` are columns of its row."""

    lessons: list[LessonPlan]
    rules: dict[str, Any] = field(default_factory=dict)
    lineage: uuid.UUID = field(default_factory=new_id)


def make_ruled_course(
    organization: Organization,
    modules: list[ModulePlan],
    *,
    rules: dict[str, Any] | None = None,
    switches: dict[str, bool] | None = None,
    course_id: uuid.UUID | None = None,
) -> PublishedCourse:
    """Publish the course and return it; its lesson ids are in reading order, topics behind their lesson."""
    with in_organization(organization):
        if course_id is None:
            owner = Member.objects.order_by("created_at")[0]
            name = f"ruled-{next(_numbers)}"
            course_id = Course.objects.create(slug=name, title=name, owner=owner, switches=switches or {}).id
        number = CourseVersion.objects.filter(course_id=course_id).count() + 1
        version = CourseVersion.objects.create(course_id=course_id, number=number, rules=rules or {})
        made_modules: list[uuid.UUID] = []
        made_lessons: list[uuid.UUID] = []
        for place, plan in enumerate(modules):
            facts = {"title": f"Module {place + 1}", "position": place} | plan.rules
            module = Module.objects.create(version=version, lineage=plan.lineage, **facts)
            made_modules.append(module.id)
            for position, lesson in enumerate(plan.lessons):
                made = _lesson(version, module, lesson, position, None, len(made_lessons) + 1)
                made_lessons.append(made.id)
                for below, topic in enumerate(lesson.topics):
                    made_lessons.append(
                        _lesson(version, module, topic, below, made, len(made_lessons) + 1).id
                    )
        CourseVersion.objects.filter(pk=version.pk).update(
            state=VersionState.PUBLISHED,
            published_at=clock.now(),
            lesson_count=sum(len(plan.lessons) for plan in modules),
        )
        Course.objects.filter(pk=course_id).update(state=CourseState.PUBLISHED, current_version_id=version.id)
        return PublishedCourse(course_id, version.id, made_modules, made_lessons)


def _lesson(
    version: CourseVersion,
    module: Module,
    plan: LessonPlan,
    position: int,
    parent: Lesson | None,
    number: int,
) -> Lesson:
    text = LessonText.objects.create(
        body=f"Text {number}",
        body_html=f"<p>Text {number}</p>",
        digest=text_digest("markdown", f"Text {number}"),
    )
    facts = {"title": f"Lesson {number}", "position": position} | plan.rules
    return Lesson.objects.create(
        version=version, module=module, parent=parent, lineage=plan.lineage, text=text, **facts
    )
