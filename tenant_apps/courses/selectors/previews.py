"""Free previews: single lessons of a published course that every member may read without enrollment."""

import uuid
from dataclasses import dataclass

from django.db.models import Q, QuerySet

from shared_apps.core.actors import Actor
from shared_apps.core.errors import NotFound
from shared_apps.core.policies import require
from tenant_apps.courses.enums import CourseState
from tenant_apps.courses.models import Lesson, LessonResource
from tenant_apps.courses.policies import VIEW, visible_courses
from tenant_apps.courses.selectors.handouts import (
    Handout,
    ResourceHandout,
    hand_out_document,
    hand_out_resource,
)
from tenant_apps.courses.selectors.outline_rows import outline_lesson, resources_by_lesson
from tenant_apps.courses.selectors.pictures import with_picture_links


@dataclass(frozen=True, slots=True)
class PreviewLesson:
    """A preview as it is read: what a learner would see of this one lesson, and nothing of its neighbours."""

    id: uuid.UUID
    lineage: uuid.UUID
    title: str
    kind: str
    minutes: int
    body_html: str
    embed_url: str
    media_url: str
    duration_seconds: int
    document: Handout | None
    resources: tuple[ResourceHandout, ...]


def list_previews(*, actor: Actor, course_id: uuid.UUID) -> QuerySet[Lesson]:
    """Return the lessons of the course's current version that are previews, in teaching order.

    Raises:
        NotFound: no such course, or none the actor may know of.
    """
    require(actor, VIEW)
    if not visible_courses(actor).filter(pk=course_id).exists():
        raise NotFound
    return _previews(actor, course_id).order_by("module__position", "parent__position", "position", "id")


def read_preview(*, actor: Actor, course_id: uuid.UUID, lesson_id: uuid.UUID) -> PreviewLesson:
    """Return one preview.

    Raises:
        NotFound: no such course, no such lesson in its current version, or a lesson that is no preview.
    """
    require(actor, VIEW)
    row = _previews(actor, course_id).filter(pk=lesson_id).select_related("document", "text").first()
    if row is None:
        raise NotFound
    found = resources_by_lesson(LessonResource.objects.filter(lesson=row))
    lesson = outline_lesson(row, resources=tuple(found.get(row.id, ())))
    member_id = actor.member_id
    return PreviewLesson(
        id=lesson.id,
        lineage=lesson.lineage,
        title=lesson.title,
        kind=lesson.kind,
        minutes=lesson.minutes,
        body_html=with_picture_links(lesson.body_html, member_id),
        embed_url=lesson.embed_url,
        media_url=lesson.media_url,
        duration_seconds=lesson.duration_seconds,
        document=hand_out_document(
            lesson.document, is_downloadable=lesson.is_downloadable, member_id=member_id
        )
        if lesson.document
        else None,
        resources=tuple(hand_out_resource(each, member_id=member_id) for each in lesson.resources),
    )


def _previews(actor: Actor, course_id: uuid.UUID) -> QuerySet[Lesson]:
    courses = visible_courses(actor).filter(pk=course_id, state=CourseState.PUBLISHED)
    return Lesson.objects.filter(
        Q(parent=None) | Q(parent__is_published=True),
        version__in=courses.values("current_version"),
        is_published=True,
        is_preview=True,
    ).order_by()
