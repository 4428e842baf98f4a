"""The content hash of a course version.

Two versions with the same hash teach the same things in the same order. It proves that a published
version was not altered, and tells an import that there is nothing to do.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Final, TypedDict

from tenant_apps.courses.content.source import CourseSource, LessonSource, SourceFile

# Part of every hash: whoever changes what is hashed changes this too, so that old and new hashes can
# never be equal by accident. All stored hashes then differ from fresh ones until recomputed.
CANONICAL_FORM: Final = "course-content/1"


class LessonContent(TypedDict):
    """What a learner gets from one lesson.

    `body` is the author's source, not rendered HTML, so that a newer renderer does not make a new
    version. `document_sha256` and `attachments` (path in the body -> sha256) stand for the bytes.
    """

    title: str
    kind: str
    body: str
    body_format: str
    document_sha256: str | None
    embed_url: str | None
    attachments: Mapping[str, str]
    is_required: bool
    is_published: bool
    duration_minutes: int | None


class ModuleContent(TypedDict):
    """A module with its lessons in teaching order."""

    title: str
    summary: str
    lessons: Sequence[LessonContent]


class VersionContent(TypedDict):
    """A course version with its modules in teaching order.

    Ids, lineage, keys, slugs and times are left out on purpose: a copy of a version, made at another
    time in another organization, is the same content.
    """

    title: str
    summary: str
    language: str
    modules: Sequence[ModuleContent]


def content_digest(version: VersionContent) -> str:
    """Return the SHA-256 of the canonical form as 64 lower-case hex digits.

    Keys that the canonical form does not know (ids, timestamps) are ignored; missing ones are a KeyError,
    because a hash over half a course would compare equal to the wrong things.
    """
    canonical = {
        "form": CANONICAL_FORM,
        "title": version["title"],
        "summary": version["summary"],
        "language": version["language"],
        "modules": [_canonical_module(module) for module in version["modules"]],
    }
    # ASCII output, so that text no encoder accepts still has exactly one form.
    text = json.dumps(canonical, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def version_content(course: CourseSource) -> VersionContent:
    """Return the content of a course read from a folder, ready for `content_digest`."""
    return VersionContent(
        title=course.title,
        summary=course.summary,
        language=course.language,
        modules=[
            ModuleContent(
                title=module.title,
                summary=module.summary,
                lessons=[_lesson_content(lesson) for lesson in module.lessons],
            )
            for module in course.modules
        ],
    )


def _lesson_content(lesson: LessonSource) -> LessonContent:
    return LessonContent(
        title=lesson.title,
        kind=lesson.kind.value,
        body=lesson.body,
        body_format=lesson.body_format.value,
        document_sha256=_sha256(lesson.document),
        embed_url=lesson.embed_url,
        attachments={file.path: file.sha256 for file in lesson.attachments},
        is_required=lesson.is_required,
        is_published=lesson.is_published,
        duration_minutes=lesson.duration_minutes,
    )


def _sha256(file: SourceFile | None) -> str | None:
    return None if file is None else file.sha256


def _canonical_module(module: ModuleContent) -> dict[str, object]:
    return {
        "title": module["title"],
        "summary": module["summary"],
        "lessons": [_canonical_lesson(lesson) for lesson in module["lessons"]],
    }


def _canonical_lesson(lesson: LessonContent) -> dict[str, object]:
    return {
        "title": lesson["title"],
        "kind": lesson["kind"],
        "body": lesson["body"],
        "body_format": lesson["body_format"],
        "document_sha256": lesson["document_sha256"],
        "embed_url": lesson["embed_url"],
        "attachments": dict(lesson["attachments"]),
        "is_required": lesson["is_required"],
        "is_published": lesson["is_published"],
        "duration_minutes": lesson["duration_minutes"],
    }
