"""Versions written down as trees of names, so that tests can say what became of which lesson."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared_apps.core import clock
from tenant_apps.courses.enums import CourseState, VersionState
from tenant_apps.courses.models import Course, CourseVersion, Lesson, Module
from tenant_apps.people.models import Member
from tenants.context import in_organization
from tenants.models import Organization

# A lesson is its name, or a dict of columns with "name" and perhaps "topics".
Tree = Mapping[str, Sequence[str | dict[str, Any]]]


def lineage(name: str) -> uuid.UUID:
    """Return the lineage that a name stands for, the same in every version."""
    return uuid.uuid5(uuid.NAMESPACE_OID, name)


@dataclass(frozen=True, slots=True)
class NamedVersion:
    """A published version; `lessons` holds the ids of lessons and topics by name."""

    course_id: uuid.UUID
    version_id: uuid.UUID
    lessons: Mapping[str, uuid.UUID]


def make_version(
    organization: Organization,
    tree: Tree,
    *,
    course_id: uuid.UUID | None = None,
    rules: dict[str, Any] | None = None,
    is_published: bool = True,
) -> NamedVersion:
    """Write a version of a new course, or of this one, and publish it."""
    with in_organization(organization):
        if course_id is None:
            owner = Member.objects.order_by("created_at")[0]
            course_id = Course.objects.create(
                slug=f"course-{uuid.uuid4().hex[:8]}", title="A course", owner=owner
            ).id
        number = CourseVersion.objects.filter(course_id=course_id).count() + 1
        version = CourseVersion.objects.create(course_id=course_id, number=number, rules=rules or {})
        names: dict[str, uuid.UUID] = {}
        for position, (module_name, lessons) in enumerate(tree.items()):
            module = Module.objects.create(
                version=version, lineage=lineage(module_name), title=module_name, position=position
            )
            for place, given in enumerate(lessons):
                _write(version, module, None, place, given, names)
        if is_published:
            CourseVersion.objects.filter(pk=version.id).update(
                state=VersionState.PUBLISHED, published_at=clock.now()
            )
            Course.objects.filter(pk=course_id).update(
                state=CourseState.PUBLISHED, current_version_id=version.id
            )
        return NamedVersion(course_id, version.id, names)


def _write(
    version: CourseVersion,
    module: Module,
    parent: Lesson | None,
    place: int,
    given: str | dict[str, Any],
    names: dict[str, uuid.UUID],
) -> None:
    facts = {"name": given} if isinstance(given, str) else dict(given)
    name, topics = facts.pop("name"), facts.pop("topics", ())
    lesson = Lesson.objects.create(
        version=version,
        module=module,
        parent=parent,
        lineage=lineage(name),
        title=name,
        position=place,
        **facts,
    )
    names[name] = lesson.id
    for number, topic in enumerate(topics):
        _write(version, module, lesson, number, topic, names)
