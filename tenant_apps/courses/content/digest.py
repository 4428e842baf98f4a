"""The content hash of a course version.

Two versions with the same hash teach the same things in the same order. It proves that a published
version was not altered, and tells an import that there is nothing to do.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Final, TypedDict

from tenant_apps.courses.content.source import CourseSource, LessonSource, SourceFile

# Part of every hash: whoever changes what is hashed adds a form, so that old and new hashes can never be
# equal by accident. What was published before keeps the hash of its own form (see `is_digest_of`).
CANONICAL_FORM: Final = "course-content/2"
FIRST_FORM: Final = "course-content/1"


class ResourceContent(TypedDict):
    """A file (by its bytes) or address beside a lesson."""

    title: str
    file_sha256: str | None
    url: str | None
    is_downloadable: bool


class TranslationContent(TypedDict):
    """A module or lesson in another language; `body` is "" where only the title is translated."""

    language: str
    title: str
    summary: str
    body_format: str
    body: str


class LessonContent(TypedDict):
    """What a learner gets from one lesson.

    `body` is the author's source, not rendered HTML, so that a newer renderer does not make a new
    version. `document_sha256` and `attachments` (path in the body -> sha256) stand for the bytes. In
    `release`, `requires` and `due` units are named by their place in the tree ("1", "1.3", "1.3.2").
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
    media_url: str | None
    duration_seconds: int
    linked_id: str | None
    is_preview: bool
    is_downloadable: bool
    weight: int
    release: Mapping[str, object] | None
    requires: Sequence[str]
    due: Mapping[str, object] | None
    resources: Sequence[ResourceContent]
    translations: Sequence[TranslationContent]
    topics: Sequence["LessonContent"]


class ModuleContent(TypedDict):
    """A module with its lessons in teaching order; rules as in `LessonContent`."""

    title: str
    summary: str
    release: Mapping[str, object] | None
    requires: Sequence[str]
    due: Mapping[str, object] | None
    translations: Sequence[TranslationContent]
    lessons: Sequence[LessonContent]


class VersionContent(TypedDict):
    """A course version with its modules in teaching order.

    Ids, lineage, keys, slugs and times are left out on purpose: a copy of a version, made at another
    time in another organization, is the same content.
    """

    title: str
    summary: str
    language: str
    rules: Mapping[str, object]
    modules: Sequence[ModuleContent]


def text_digest(body_format: str, body: str) -> str:
    """Return the SHA-256 of format and source as 64 hex digits: equal where two texts are the same."""
    return hashlib.sha256(f"{body_format}\n{body}".encode("utf-8", "surrogatepass")).hexdigest()


def content_digest(version: VersionContent) -> str:
    """Return the SHA-256 of the canonical form as 64 lower-case hex digits.

    Keys that the canonical form does not know (ids, timestamps) are ignored; missing ones are a KeyError,
    because a hash over half a course would compare equal to the wrong things.
    """
    return _hash(
        {
            "form": CANONICAL_FORM,
            "title": version["title"],
            "summary": version["summary"],
            "language": version["language"],
            "rules": version["rules"],
            "modules": [_canonical_module(module) for module in version["modules"]],
        }
    )


def is_digest_of(stored: str, version: VersionContent) -> bool:
    """Tell whether a stored hash is that of the content, in the form of its time.

    The first form knew nothing but texts, documents and embeds, and what was published then can hold nothing
    else; so its hash says as much about such a version as today's.
    """
    return stored in (content_digest(version), _first_digest(version))


def version_content(course: CourseSource) -> VersionContent:
    """Return the content of a course read from a folder, ready for `content_digest`."""
    return VersionContent(
        title=course.title,
        summary=course.summary,
        language=course.language,
        rules={},
        modules=[
            ModuleContent(
                title=module.title,
                summary=module.summary,
                release=None,
                requires=(),
                due=None,
                translations=(),
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
        media_url=None,
        duration_seconds=0,
        linked_id=None,
        is_preview=False,
        is_downloadable=True,
        weight=1,
        release=None,
        requires=(),
        due=None,
        resources=(),
        translations=(),
        topics=(),
    )


def _sha256(file: SourceFile | None) -> str | None:
    return None if file is None else file.sha256


def _hash(canonical: Mapping[str, object]) -> str:
    # ASCII output, so that text no encoder accepts still has exactly one form.
    text = json.dumps(canonical, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def _canonical_module(module: ModuleContent) -> dict[str, object]:
    return {
        "title": module["title"],
        "summary": module["summary"],
        "release": module["release"],
        "requires": sorted(module["requires"]),
        "due": module["due"],
        "translations": [_canonical_translation(each) for each in module["translations"]],
        "lessons": [_canonical_lesson(lesson) for lesson in module["lessons"]],
    }


def _canonical_lesson(lesson: LessonContent) -> dict[str, object]:
    return _first_lesson(lesson) | {
        "media_url": lesson["media_url"],
        "duration_seconds": lesson["duration_seconds"],
        "linked_id": lesson["linked_id"],
        "is_preview": lesson["is_preview"],
        "is_downloadable": lesson["is_downloadable"],
        "weight": lesson["weight"],
        "release": lesson["release"],
        "requires": sorted(lesson["requires"]),
        "due": lesson["due"],
        "resources": [_canonical_resource(each) for each in lesson["resources"]],
        "translations": [_canonical_translation(each) for each in lesson["translations"]],
        "topics": [_canonical_lesson(topic) for topic in lesson["topics"]],
    }


def _canonical_resource(resource: ResourceContent) -> dict[str, object]:
    return {
        "title": resource["title"],
        "file_sha256": resource["file_sha256"],
        "url": resource["url"],
        "is_downloadable": resource["is_downloadable"],
    }


def _canonical_translation(translation: TranslationContent) -> dict[str, object]:
    return {
        "language": translation["language"],
        "title": translation["title"],
        "summary": translation["summary"],
        "body_format": translation["body_format"],
        "body": translation["body"],
    }


def _first_digest(version: VersionContent) -> str:
    return _hash(
        {
            "form": FIRST_FORM,
            "title": version["title"],
            "summary": version["summary"],
            "language": version["language"],
            "modules": [
                {
                    "title": module["title"],
                    "summary": module["summary"],
                    "lessons": [_first_lesson(lesson) for lesson in module["lessons"]],
                }
                for module in version["modules"]
            ],
        }
    )


def _first_lesson(lesson: LessonContent) -> dict[str, object]:
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
