"""The whole tree of a version in four statements, whatever its size."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db.models import QuerySet

from shared_apps.core.actors import Actor
from shared_apps.core.errors import NotFound
from shared_apps.core.policies import require
from tenant_apps.courses.content.digest import (
    LessonContent,
    ModuleContent,
    ResourceContent,
    TranslationContent,
    VersionContent,
    content_digest,
    is_digest_of,
)
from tenant_apps.courses.enums import VersionState
from tenant_apps.courses.models import CourseVersion, Lesson, LessonResource, Module, Translation, WorkingCopy
from tenant_apps.courses.policies import CONTENT, visible_versions
from tenant_apps.courses.selectors.outline_rows import (
    Place,
    lessons_by_place,
    resources_by_lesson,
    translations_by_lineage,
)
from tenant_apps.courses.selectors.pictures import with_picture_links
from tenant_apps.courses.types import OutlineLesson, OutlineModule, OutlineTranslation, VersionOutline


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
    outline = _outline_of(visible_versions(actor).filter(pk=version_id))
    if outline.state != VersionState.DRAFT:
        return outline
    mine = WorkingCopy.objects.filter(lesson__version_id=outline.id, member_id=actor.membership_id)
    return replace(outline, autosaved_lesson_ids=tuple(mine.values_list("lesson_id", flat=True)))


@dataclass(frozen=True, slots=True)
class VersionHead:
    """What a preview needs of a version besides its tree. `drip` is the course's switch as text, None for its
    default."""

    revision: int
    drip: str | None


def read_version_head(*, actor: Actor, version_id: uuid.UUID) -> VersionHead:
    """Return the head of a version for somebody who may read it; one query.

    Raises:
        Forbidden, NotFound: as for `read_version`.
    """
    require(actor, CONTENT)
    version = visible_versions(actor).filter(pk=version_id).select_related("course").first()
    if version is None:
        raise NotFound
    drip = version.course.switches.get("drip")
    return VersionHead(version.revision, None if drip is None else str(drip).lower())


def read_lesson(*, actor: Actor, version_id: uuid.UUID, lesson_id: uuid.UUID) -> OutlineLesson:
    """Return one lesson as learners will see it, for those who prepare it.

    Raises:
        Forbidden, NotFound: as for `read_version`.
    """
    require(actor, CONTENT)
    visible = visible_versions(actor).filter(pk=version_id).values("pk")
    lesson = Lesson.objects.filter(pk=lesson_id, version__in=visible).order_by().first()
    if lesson is None:
        raise NotFound
    family = [lesson.id, *lesson.topics.order_by().values_list("id", flat=True)]
    found = lessons_by_place(
        Lesson.objects.filter(pk__in=family),
        resources_by_lesson(LessonResource.objects.filter(lesson__in=family)),
        translations_by_lineage(Translation.objects.filter(version_id=version_id)),
    )
    outline = found[lesson.module_id, lesson.parent_id][0]
    if actor.membership_id is None:
        return outline
    return replace(outline, body_html=with_picture_links(outline.body_html, actor.membership_id))


def digest_of(outline: VersionOutline) -> str:
    """Return the content hash of what publishing freezes: modules, lessons, rules and the bytes they show.

    The course's own title and summary are not part of a version and may be corrected later, so they are
    left empty here.
    """
    return content_digest(_content(outline))


def is_intact(outline: VersionOutline) -> bool:
    """Tell whether a published version is still what its hash was made of, in the hash's form of its time."""
    return is_digest_of(outline.content_hash, _content(outline))


def _outline_of(versions: QuerySet[CourseVersion]) -> VersionOutline:
    """Read the one version: modules with the version, then lessons, resources and translations."""
    modules = list(
        Module.objects.filter(version__in=versions.values("pk"))
        .select_related("version")
        .order_by("position")
    )
    version = modules[0].version if modules else versions.order_by().first()
    if version is None:
        raise NotFound
    translations: Mapping[uuid.UUID, list[OutlineTranslation]] = {}
    lessons: Mapping[Place, list[OutlineLesson]] = {}
    if modules:
        translations = translations_by_lineage(Translation.objects.filter(version_id=version.id))
        lessons = lessons_by_place(
            Lesson.objects.filter(version_id=version.id),
            resources_by_lesson(LessonResource.objects.filter(version_id=version.id)),
            translations,
        )
    return VersionOutline(
        id=version.id,
        course_id=version.course_id,
        number=version.number,
        state=version.state,
        revision=version.revision,
        based_on_id=version.based_on_id,
        note=version.note,
        content_hash=version.content_hash,
        rules=version.rules,
        module_count=version.module_count,
        lesson_count=version.lesson_count,
        required_count=version.required_count,
        resource_count=version.resource_count,
        minutes=version.minutes,
        published_at=version.published_at,
        modules=tuple(
            OutlineModule(
                id=module.id,
                lineage=module.lineage,
                key=module.key,
                title=module.title,
                summary=module.summary,
                position=module.position,
                release=module.release,
                requires=tuple(module.requires),
                due=module.due,
                translations=tuple(translations.get(module.lineage, ())),
                lessons=tuple(lessons.get((module.id, None), ())),
            )
            for module in modules
        ),
    )


def _content(outline: VersionOutline) -> VersionContent:
    places = _places(outline)
    return VersionContent(
        title="",
        summary="",
        language="",
        rules=outline.rules,
        modules=[
            ModuleContent(
                title=module.title,
                summary=module.summary,
                release=_placed(module.release, places),
                requires=_named(module.requires, places),
                due=_placed(module.due, places),
                translations=_translated(module.translations),
                lessons=[_content_of(lesson, places) for lesson in module.lessons],
            )
            for module in outline.modules
        ],
    )


def _content_of(lesson: OutlineLesson, places: Mapping[str, str]) -> LessonContent:
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
        media_url=lesson.media_url or None,
        duration_seconds=lesson.duration_seconds,
        linked_id=str(lesson.linked_id) if lesson.linked_id else None,
        is_preview=lesson.is_preview,
        is_downloadable=lesson.is_downloadable,
        weight=lesson.weight,
        release=_placed(lesson.release, places),
        requires=_named(lesson.requires, places),
        due=_placed(lesson.due, places),
        resources=[
            ResourceContent(
                title=each.title,
                file_sha256=each.file.sha256 if each.file else None,
                url=each.url or None,
                is_downloadable=each.is_downloadable,
            )
            for each in lesson.resources
        ],
        translations=_translated(lesson.translations),
        topics=[_content_of(topic, places) for topic in lesson.topics],
    )


def _translated(translations: Sequence[OutlineTranslation]) -> list[TranslationContent]:
    return [
        TranslationContent(
            language=each.language,
            title=each.title,
            summary=each.summary,
            body_format=each.body_format,
            body=each.body,
        )
        for each in translations
    ]


def _places(outline: VersionOutline) -> dict[str, str]:
    """Return each unit's place in the tree by lineage: rules name lineages, which the hash leaves out."""
    found: dict[str, str] = {}
    for first, module in enumerate(outline.modules, 1):
        found[str(module.lineage)] = f"{first}"
        for second, lesson in enumerate(module.lessons, 1):
            found[str(lesson.lineage)] = f"{first}.{second}"
            for third, topic in enumerate(lesson.topics, 1):
                found[str(topic.lineage)] = f"{first}.{second}.{third}"
    return found


def _named(requires: Sequence[str], places: Mapping[str, str]) -> list[str]:
    return [places.get(lineage, lineage) for lineage in requires]


def _placed(rule: dict[str, Any] | None, places: Mapping[str, str]) -> dict[str, Any] | None:
    if rule is None or "unit" not in rule:
        return rule
    return {**rule, "unit": places.get(rule["unit"], rule["unit"])}
