"""A course as it lies in a folder: what authors wrote, read and checked but not stored."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class LessonKind(StrEnum):
    """What a learner finds when opening the lesson."""

    TEXT = "text"
    DOCUMENT = "document"
    EMBED = "embed"


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
class LessonSource:
    """One lesson. `key` is unique in the course and says which lesson it is when text or place change.

    `body` is source text with newlines as \\n, empty for a document or embed without an introduction.
    `document` is set for kind document, `embed_url` (canonical) for kind embed. `attachments` are the
    pictures the body shows. `duration_minutes` is None when the author gave none.
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


@dataclass(frozen=True, slots=True)
class ModuleSource:
    """A group of lessons in order; `key` is unique among the modules of the course."""

    key: str
    title: str
    summary: str
    lessons: tuple[LessonSource, ...]


@dataclass(frozen=True, slots=True)
class CourseSource:
    """A whole course. `language` is a BCP 47 tag; `files` is every document and picture once, by path."""

    slug: str
    title: str
    summary: str
    language: str
    modules: tuple[ModuleSource, ...]
    files: tuple[SourceFile, ...]
