"""What a course shows of itself to those who are not in it yet: titles and people, never bodies."""

import uuid
from collections import defaultdict
from dataclasses import dataclass

from django.db.models import F

from shared_apps.core.actors import Actor
from shared_apps.core.errors import NotFound
from tenant_apps.courses.enums import InstructorRole, InstructorState
from tenant_apps.courses.models import (
    Course,
    CourseInstructor,
    CourseRelation,
    InstructorProfile,
    Lesson,
    Module,
)
from tenant_apps.courses.policies import visible_courses
from tenant_apps.courses.selectors.acts import with_course_standing
from tenant_apps.courses.selectors.browse import catalogue_courses


@dataclass(frozen=True, slots=True)
class OfferedLesson:
    """A lesson or topic by its title. `is_preview`: its body can be read without being enrolled."""

    id: uuid.UUID
    lineage: uuid.UUID
    title: str
    kind: str
    minutes: int
    is_preview: bool
    is_required: bool
    topics: tuple["OfferedLesson", ...]


@dataclass(frozen=True, slots=True)
class OfferedModule:
    """A module with its published lessons in teaching order."""

    id: uuid.UUID
    title: str
    summary: str
    lessons: tuple[OfferedLesson, ...]


@dataclass(frozen=True, slots=True)
class InstructorCard:
    """Who teaches a course, and as what; texts are "" where nothing was said."""

    member_id: uuid.UUID
    name: str
    role: str
    headline: str
    short_bio: str


@dataclass(frozen=True, slots=True)
class RelatedCourse:
    """A course one may want as well."""

    course_id: uuid.UUID
    slug: str
    title: str
    kind: str


def get_visible_course(actor: Actor, course_id: uuid.UUID, *, catalogue: bool = False) -> Course:
    """Return the row of a visible course with what cards need joined.

    Args:
        actor: who asks.
        course_id: which.
        catalogue: only where the organization lists it, published.

    Raises:
        NotFound: no such course, or none the actor may know of here.
    """
    found = catalogue_courses(actor) if catalogue else visible_courses(actor)
    rows = found.filter(pk=course_id).select_related("current_version", "category", "subcategory")
    course = with_course_standing(actor, rows).first()
    if course is None:
        raise NotFound
    return course


def offered_outline(version_id: uuid.UUID | None) -> tuple[OfferedModule, ...]:
    """Return the version's modules with the titles of their published lessons, modules without one left out;
    two statements."""
    modules = list(Module.objects.filter(version_id=version_id).order_by("position")) if version_id else []
    shown = Lesson.objects.filter(version_id=version_id, is_published=True) if version_id else ()
    rows: dict[tuple[uuid.UUID, uuid.UUID | None], list[Lesson]] = defaultdict(list)
    for lesson in sorted(shown, key=lambda row: row.position):
        rows[lesson.module_id, lesson.parent_id].append(lesson)

    def told(module_id: uuid.UUID, parent_id: uuid.UUID | None) -> tuple[OfferedLesson, ...]:
        return tuple(
            OfferedLesson(
                row.pk,
                row.lineage,
                row.title,
                row.kind,
                row.minutes,
                row.is_preview,
                row.is_required,
                told(module_id, row.pk) if parent_id is None else (),
            )
            for row in rows[module_id, parent_id]
        )

    return tuple(
        OfferedModule(module.pk, module.title, module.summary, told(module.pk, None))
        for module in modules
        if rows[module.pk, None]
    )


def list_instructor_cards(course_id: uuid.UUID) -> list[InstructorCard]:
    """Return who teaches the course, in the order its authors chose; its owner where nobody was named. Two
    statements."""
    named = CourseInstructor.objects.filter(course_id=course_id).order_by("position", "id")
    people = [(part.member, part.role) for part in named.select_related("member")]
    if not people:
        owned = Course.objects.filter(pk=course_id).order_by().select_related("owner")
        people = [(course.owner, InstructorRole.PRIMARY) for course in owned]
    approved = InstructorProfile.objects.filter(state=InstructorState.APPROVED)
    profiles = approved.in_bulk([member.pk for member, _ in people])
    nothing = InstructorProfile()
    return [
        InstructorCard(
            member.pk,
            member.display_name,
            role,
            profiles.get(member.pk, nothing).headline,
            profiles.get(member.pk, nothing).short_bio,
        )
        for member, role in people
    ]


def list_related(actor: Actor, course_id: uuid.UUID, *, catalogue: bool = False) -> list[RelatedCourse]:
    """Return the related courses in their order: those the actor sees, or of them those in the catalogue. One
    statement; whether the course itself is visible has been asked."""
    shown = catalogue_courses(actor) if catalogue else visible_courses(actor)
    rows = CourseRelation.objects.filter(course_id=course_id, other__in=shown.order_by().values("pk"))
    named = rows.order_by("position", "id").annotate(slug=F("other__slug"), title=F("other__title"))
    return [RelatedCourse(*row) for row in named.values_list("other_id", "slug", "title", "kind")]
