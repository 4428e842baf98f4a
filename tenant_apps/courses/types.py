"""Frozen results of reading courses: safe to hand to other apps, which never see the rows."""

import uuid
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class DocumentFacts:
    """The file of a document lesson; `size` is in bytes."""

    id: uuid.UUID
    name: str
    content_type: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class OutlineLesson:
    """A lesson in its place. `minutes` is 0 when the author gave no duration; `body_html` is clean."""

    id: uuid.UUID
    lineage: uuid.UUID
    key: str
    title: str
    kind: str
    position: int
    is_required: bool
    is_published: bool
    minutes: int
    body_format: str
    body: str
    body_html: str
    document: DocumentFacts | None
    embed_url: str


@dataclass(frozen=True, slots=True)
class OutlineModule:
    """A module with its lessons in teaching order."""

    id: uuid.UUID
    lineage: uuid.UUID
    key: str
    title: str
    summary: str
    position: int
    lessons: tuple[OutlineLesson, ...]


@dataclass(frozen=True, slots=True)
class VersionOutline:
    """A whole version. `revision` is the ETag of a draft; `content_hash` is "" until it is published."""

    id: uuid.UUID
    course_id: uuid.UUID
    number: int
    state: str
    revision: int
    based_on_id: uuid.UUID | None
    note: str
    content_hash: str
    lesson_count: int
    required_count: int
    published_at: datetime | None
    modules: tuple[OutlineModule, ...]
