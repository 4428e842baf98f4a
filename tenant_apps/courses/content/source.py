"""A course as it lies in a folder: what authors wrote, read and checked but not stored."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any


class LessonKind(StrEnum):
    """What a learner finds when opening the lesson."""

    TEXT = "text"
    DOCUMENT = "document"
    EMBED = "embed"
    AUDIO = "audio"
    VIDEO = "video"
    QUIZ = "quiz"
    ASSIGNMENT = "assignment"
    LIVE_CLASS = "live_class"
    SCORM = "scorm"


class BodyFormat(StrEnum):
    """How a lesson body is written; decides between render_markdown and clean_html."""

    MARKDOWN = "markdown"
    HTML = "html"


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A document or picture of the course.

    `path` is relative to the course folder with forward slashes, `absolute_path` where to read it,
    `size` is in bytes, `sha256` the hex digest of its bytes, `media_type` what its bytes were seen to be.
    """

    path: str
    absolute_path: Path
    size: int
    sha256: str
    media_type: str


@dataclass(frozen=True, slots=True)
class RulesSource:
    """When a unit opens, what must be done before it, by when it is due: the JSON of `content.rules`, but
    other units are named "module:KEY" or "lesson:KEY" instead of by lineage."""

    release: Mapping[str, Any] | None = None
    requires: tuple[str, ...] = ()
    due: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class TextSource:
    """A text as it was written: newlines are \n. `attachments` are the pictures it shows."""

    body: str = ""
    body_format: BodyFormat = BodyFormat.MARKDOWN
    attachments: tuple[SourceFile, ...] = ()


@dataclass(frozen=True, slots=True)
class TranslationSource:
    """Title, summary and text in another language (BCP 47), "" and None for what is not translated."""

    language: str
    title: str
    summary: str
    text: TextSource | None = None


@dataclass(frozen=True, slots=True)
class ResourceSource:
    """A file or an https address beside a lesson; `key` is unique in its lesson, "" when none was given."""

    key: str
    title: str
    file: SourceFile | None
    url: str
    is_downloadable: bool


@dataclass(frozen=True, slots=True)
class LessonSource:
    """One lesson or topic. `key` is unique in the course and says which lesson it is when text or place
    change.

    `body` is source text with newlines as \n, empty for a document or embed without an introduction.
    `document` is set for kind document, `embed_url` (canonical) for kind embed, `media_url` for audio and
    video. `attachments` are the pictures the body shows. `duration_minutes` is None when none was given.
    """

    key: str
    title: str
    kind: LessonKind
    body: str
    body_format: BodyFormat
    file_path: str | None
    document: SourceFile | None
    embed_url: str | None
    attachments: tuple[SourceFile, ...]
    is_required: bool
    is_published: bool
    duration_minutes: int | None
    media_url: str = ""
    duration_seconds: int = 0
    linked_id: uuid.UUID | None = None
    is_preview: bool = False
    is_downloadable: bool = True
    weight: int = 1
    rules: RulesSource = RulesSource()
    resources: tuple[ResourceSource, ...] = ()
    translations: tuple[TranslationSource, ...] = ()
    topics: "tuple[LessonSource, ...]" = ()


@dataclass(frozen=True, slots=True)
class ModuleSource:
    """A group of lessons in order; `key` is unique among the modules of the course."""

    key: str
    title: str
    summary: str
    lessons: tuple[LessonSource, ...]
    rules: RulesSource = RulesSource()
    translations: tuple[TranslationSource, ...] = ()


@dataclass(frozen=True, slots=True)
class CourseSource:
    """A whole course. `language` is a BCP 47 tag; `files` is every document and picture once, by path.

    `rules` are those of the version, in the JSON of `content.rules`. `facts` holds what else the course says
    of itself, by the names of its columns, and only what the folder says; `category` and `subcategory` are
    slugs there.
    """

    slug: str
    title: str
    summary: str
    language: str
    modules: tuple[ModuleSource, ...]
    files: tuple[SourceFile, ...]
    rules: Mapping[str, Any] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
