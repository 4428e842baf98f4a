"""The whole tree of a version in two statements, whatever its size."""

import uuid
from collections import defaultdict

from django.db.models import QuerySet

from shared_apps.core.actors import Actor
from shared_apps.core.errors import NotFound
from shared_apps.core.policies import require
from tenant_apps.courses.content.digest import LessonContent, ModuleContent, VersionContent, content_digest
from tenant_apps.courses.models import CourseVersion, Lesson, Module
from tenant_apps.courses.policies import CONTENT, visible_versions
from tenant_apps.courses.selectors.pictures import with_picture_links
from tenant_apps.courses.types import DocumentFacts, OutlineLesson, OutlineModule, VersionOutline


def get_outline(version_id: uuid.UUID) -> VersionOutline:
    """Return the version with modules and lessons in teaching order, unpublished lessons included.

    No visibility is asked: for code that has already decided (learning, publishing, importing).

    Raises:
        NotFound: no such version.
    """
    return _outline_of(CourseVersion.objects.filter(pk=version_id))


def read_version(*, actor: Actor, version_id: uuid.UUID) -> VersionOutline:
    """Return the version's tree for somebody who may read it.

    Raises:
        Forbidden: the role reads no content outside an enrollment.
        NotFound: no such version, or a draft the actor may not work on.
    """
    require(actor, CONTENT)
    return _outline_of(visible_versions(actor).filter(pk=version_id))


def read_lesson(*, actor: Actor, version_id: uuid.UUID, lesson_id: uuid.UUID) -> OutlineLesson:
    """Return one lesson as learners will see it, for those who prepare it.

    Raises:
        Forbidden, NotFound: as for `read_version`.
    """
    require(actor, CONTENT)
    visible = visible_versions(actor).filter(pk=version_id).values("pk")
    lesson = (
        Lesson.objects.filter(pk=lesson_id, version__in=visible).select_related("document").order_by().first()
    )
    if lesson is None:
        raise NotFound
    if actor.membership_id is not None:
        lesson.body_html = with_picture_links(lesson.body_html, actor.membership_id)
    return outline_lesson(lesson)


def digest_of(outline: VersionOutline) -> str:
    """Return the content hash of what publishing freezes: modules, lessons and the bytes they show.

    The course's own title and summary are not part of a version and may be corrected later, so they are
    left empty here.
    """
    return content_digest(
        VersionContent(
            title="",
            summary="",
            language="",
            modules=[
                ModuleContent(
                    title=module.title,
                    summary=module.summary,
                    lessons=[_content_of(lesson) for lesson in module.lessons],
                )
                for module in outline.modules
            ],
        )
    )


def outline_lesson(lesson: Lesson) -> OutlineLesson:
    """Return the frozen form of a lesson row; its document must be joined or absent."""
    document = lesson.document
    return OutlineLesson(
        id=lesson.id,
        lineage=lesson.lineage,
        key=lesson.key,
        title=lesson.title,
        kind=lesson.kind,
        position=lesson.position,
        is_required=lesson.is_required,
        is_published=lesson.is_published,
        minutes=lesson.minutes,
        body_format=lesson.body_format,
        body=lesson.body,
        body_html=lesson.body_html,
        document=None
        if document is None
        else DocumentFacts(document.id, document.name, document.content_type, document.size, document.sha256),
        embed_url=lesson.embed_url,
    )


def _outline_of(versions: QuerySet[CourseVersion]) -> VersionOutline:
    """Read the one version: modules with the version, then the lessons; an empty one takes two as well."""
    modules = list(
        Module.objects.filter(version__in=versions.values("pk"))
        .select_related("version")
        .order_by("position")
    )
    version = modules[0].version if modules else versions.order_by().first()
    if version is None:
        raise NotFound
    lessons: dict[uuid.UUID, list[OutlineLesson]] = defaultdict(list)
    if modules:
        rows = Lesson.objects.filter(version_id=version.id).select_related("document").order_by("position")
        for lesson in rows:
            lessons[lesson.module_id].append(outline_lesson(lesson))
    return VersionOutline(
        id=version.id,
        course_id=version.course_id,
        number=version.number,
        state=version.state,
        revision=version.revision,
        based_on_id=version.based_on_id,
        note=version.note,
        content_hash=version.content_hash,
        lesson_count=version.lesson_count,
        required_count=version.required_count,
        published_at=version.published_at,
        modules=tuple(
            OutlineModule(
                id=module.id,
                lineage=module.lineage,
                key=module.key,
                title=module.title,
                summary=module.summary,
                position=module.position,
                lessons=tuple(lessons[module.id]),
            )
            for module in modules
        ),
    )


def _content_of(lesson: OutlineLesson) -> LessonContent:
    return LessonContent(
        title=lesson.title,
        kind=lesson.kind,
        body=lesson.body,
        body_format=lesson.body_format,
        document_sha256=lesson.document.sha256 if lesson.document else None,
        embed_url=lesson.embed_url or None,
        # A picture is named in the body by the id of its file, whose bytes never change.
        attachments={},
        is_required=lesson.is_required,
        is_published=lesson.is_published,
        duration_minutes=lesson.minutes or None,
    )
