"""Rows of a tree in the frozen form that leaves the app; three statements for all lessons of a version."""

import uuid
from collections import defaultdict
from collections.abc import Mapping

from django.db.models import F, QuerySet

from tenant_apps.courses.enums import BodyFormat
from tenant_apps.courses.models import Lesson, LessonResource, Translation
from tenant_apps.courses.types import DocumentFacts, OutlineLesson, OutlineResource, OutlineTranslation
from tenant_apps.media.types import FileRow

# Of a lesson: its module, and the lesson it is a topic of.
Place = tuple[uuid.UUID, uuid.UUID | None]


def lessons_by_place(
    rows: QuerySet[Lesson],
    resources: Mapping[uuid.UUID, list[OutlineResource]],
    translations: Mapping[uuid.UUID, list[OutlineTranslation]],
) -> dict[Place, list[OutlineLesson]]:
    """Return lessons, each with its topics inside, in order within their place; one query."""
    found: dict[Place, list[OutlineLesson]] = defaultdict(list)
    # Topics first, so that each lesson finds its own gathered.
    ordered = rows.select_related("document", "text").order_by(
        F("parent_id").asc(nulls_last=True), "position"
    )
    for row in ordered:
        lesson = outline_lesson(
            row,
            topics=tuple(found.get((row.module_id, row.id), ())),
            resources=tuple(resources.get(row.id, ())),
            translations=tuple(translations.get(row.lineage, ())),
        )
        found[row.module_id, row.parent_id].append(lesson)
    return found


def resources_by_lesson(rows: QuerySet[LessonResource]) -> dict[uuid.UUID, list[OutlineResource]]:
    """Return resources in order by the id of their lesson; one query."""
    found: dict[uuid.UUID, list[OutlineResource]] = defaultdict(list)
    for row in rows.select_related("file").order_by("position"):
        found[row.lesson_id].append(outline_resource(row))
    return found


def translations_by_lineage(rows: QuerySet[Translation]) -> dict[uuid.UUID, list[OutlineTranslation]]:
    """Return translations by the lineage of their module or lesson, in order of language; one query."""
    found: dict[uuid.UUID, list[OutlineTranslation]] = defaultdict(list)
    for row in rows.select_related("text").order_by("language"):
        found[row.lineage].append(outline_translation(row))
    return found


def outline_lesson(
    lesson: Lesson,
    *,
    topics: tuple[OutlineLesson, ...] = (),
    resources: tuple[OutlineResource, ...] = (),
    translations: tuple[OutlineTranslation, ...] = (),
) -> OutlineLesson:
    """Return the frozen form of a lesson row; its document and text must be joined or absent."""
    text = lesson.text
    return OutlineLesson(
        id=lesson.id,
        lineage=lesson.lineage,
        key=lesson.key,
        revision=lesson.revision,
        title=lesson.title,
        kind=lesson.kind,
        position=lesson.position,
        is_required=lesson.is_required,
        is_published=lesson.is_published,
        is_preview=lesson.is_preview,
        is_downloadable=lesson.is_downloadable,
        minutes=lesson.minutes,
        weight=lesson.weight,
        body_format=text.body_format if text else BodyFormat.MARKDOWN,
        body=text.body if text else "",
        body_html=text.body_html if text else "",
        text_digest=text.digest if text else "",
        document=_file_facts(lesson.document),
        embed_url=lesson.embed_url,
        media_url=lesson.media_url,
        duration_seconds=lesson.duration_seconds,
        linked_id=lesson.linked_id,
        release=lesson.release,
        requires=tuple(lesson.requires),
        due=lesson.due,
        resources=resources,
        translations=translations,
        topics=topics,
    )


def outline_resource(row: LessonResource) -> OutlineResource:
    """Return the frozen form of a resource row; its file must be joined or absent."""
    return OutlineResource(
        id=row.id,
        lineage=row.lineage,
        title=row.title,
        position=row.position,
        is_downloadable=row.is_downloadable,
        file=_file_facts(row.file),
        url=row.url,
    )


def outline_translation(row: Translation) -> OutlineTranslation:
    """Return the frozen form of a translation; its text must be joined or absent."""
    text = row.text
    return OutlineTranslation(
        lineage=row.lineage,
        language=row.language,
        title=row.title,
        summary=row.summary,
        body_format=text.body_format if text else "",
        body=text.body if text else "",
        body_html=text.body_html if text else "",
    )


def _file_facts(file: FileRow | None) -> DocumentFacts | None:
    if file is None:
        return None
    return DocumentFacts(file.id, file.name, file.content_type, file.size, file.sha256)
