"""Frozen results of reading courses: safe to hand to other apps, which never see the rows."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class DocumentFacts:
    """The file of a document lesson; `size` is in bytes."""

    id: uuid.UUID
    name: str
    content_type: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class OutlineResource:
    """A file or https address beside a lesson; exactly one of `file` and `url` is there."""

    id: uuid.UUID
    lineage: uuid.UUID
    title: str
    position: int
    is_downloadable: bool
    file: DocumentFacts | None
    url: str


@dataclass(frozen=True, slots=True)
class OutlineTranslation:
    """A module (no text) or lesson in another language; `body_format` is "" without a text."""

    lineage: uuid.UUID
    language: str
    title: str
    summary: str
    body_format: str
    body: str
    body_html: str


@dataclass(frozen=True, slots=True)
class OutlineLesson:
    """A lesson in its place. `minutes` is 0 when the author gave no duration; `body_html` is clean.

    `revision` counts the edits of this lesson. `text_digest` tells texts apart unread. `topics` is the third
    level, empty for a topic itself. Rules (`release`, `requires`, `due`) are JSON of `content.rules`.
    """

    id: uuid.UUID
    lineage: uuid.UUID
    key: str
    revision: int
    title: str
    kind: str
    position: int
    is_required: bool
    is_published: bool
    is_preview: bool
    is_downloadable: bool
    minutes: int
    weight: int
    body_format: str
    body: str
    body_html: str
    text_digest: str
    document: DocumentFacts | None
    embed_url: str
    media_url: str
    duration_seconds: int
    linked_id: uuid.UUID | None
    release: dict[str, Any] | None
    requires: tuple[str, ...]
    due: dict[str, Any] | None
    resources: tuple[OutlineResource, ...]
    translations: tuple[OutlineTranslation, ...]
    topics: "tuple[OutlineLesson, ...]"


@dataclass(frozen=True, slots=True)
class OutlineModule:
    """A module with its lessons in teaching order; rules as in `OutlineLesson`."""

    id: uuid.UUID
    lineage: uuid.UUID
    key: str
    title: str
    summary: str
    position: int
    release: dict[str, Any] | None
    requires: tuple[str, ...]
    due: dict[str, Any] | None
    translations: tuple[OutlineTranslation, ...]
    lessons: tuple[OutlineLesson, ...]


@dataclass(frozen=True, slots=True)
class VersionOutline:
    """A whole version. `revision` is the ETag of a draft; `content_hash` is "" until it is published.

    Counts (`module_count` and on) are those kept by publishing. `autosaved_lesson_ids` are the lessons in
    which whoever asked has writing that is not saved.
    """

    id: uuid.UUID
    course_id: uuid.UUID
    number: int
    state: str
    revision: int
    based_on_id: uuid.UUID | None
    note: str
    content_hash: str
    rules: dict[str, Any]
    module_count: int
    lesson_count: int
    required_count: int
    resource_count: int
    minutes: int
    published_at: datetime | None
    modules: tuple[OutlineModule, ...]
    autosaved_lesson_ids: tuple[uuid.UUID, ...] = ()

    @property
    def counts(self) -> dict[str, int]:
        """What the tree holds now, unpublished lessons included."""
        topics = [topic for lesson in self.lessons for topic in lesson.topics]
        each = (*self.lessons, *topics)
        return {
            "modules": len(self.modules),
            "lessons": len(self.lessons),
            "topics": len(topics),
            "unpublished": sum(not one.is_published for one in each),
            "resources": sum(len(one.resources) for one in each),
            "minutes": sum(one.minutes for one in each),
        }

    @property
    def lessons(self) -> tuple[OutlineLesson, ...]:
        """The lessons of all modules in teaching order, topics left within them."""
        return tuple(lesson for module in self.modules for lesson in module.lessons)
