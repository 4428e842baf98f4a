"""Reads a course folder: `course.yaml`, lesson texts and files. The demo course shows the format."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeAlias

from tenant_apps.courses.content.embeds import DEFAULT_ALLOWED_EMBED_HOSTS, check_embed_url
from tenant_apps.courses.content.errors import ContentError, EmbedNotAllowed
from tenant_apps.courses.content.folder_files import (
    DOCUMENT_EXTENSIONS,
    MAX_TEXT_BYTES,
    PICTURE_EXTENSIONS,
    FolderFiles,
)
from tenant_apps.courses.content.marked_yaml import MAX_YAML_BYTES, YamlValue, decode_text, read_yaml
from tenant_apps.courses.content.problems import Place, Problems
from tenant_apps.courses.content.sanitize import attachment_path, clean_html, plain_text, render_markdown
from tenant_apps.courses.content.source import (
    BodyFormat,
    CourseSource,
    LessonKind,
    LessonSource,
    ModuleSource,
    SourceFile,
)

COURSE_FILE: Final = "course.yaml"
MAX_TITLE_CHARACTERS: Final = 200
MAX_SUMMARY_CHARACTERS: Final = 1_000
MAX_KEY_CHARACTERS: Final = 64
MAX_LESSON_MINUTES: Final = 24 * 60

_COURSE_KEYS: Final = ("slug", "title", "summary", "language", "modules")
_MODULE_KEYS: Final = ("key", "title", "summary", "lessons")
_LESSON_KEYS: Final = ("key", "title", "file", "document", "embed", "required", "published", "minutes")
_BODY_FORMATS: Final = {
    ".md": BodyFormat.MARKDOWN,
    ".markdown": BodyFormat.MARKDOWN,
    ".html": BodyFormat.HTML,
    ".htm": BodyFormat.HTML,
}
_KEY: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_LANGUAGE: Final = re.compile(r"[a-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")
_IMAGE_SOURCE: Final = re.compile(r'<img[^>]* src="([^"]+)"')

_Fields: TypeAlias = Mapping[str, YamlValue]


def read_course_folder(
    folder: Path, *, allowed_embed_hosts: Iterable[str] = DEFAULT_ALLOWED_EMBED_HOSTS
) -> CourseSource:
    """Return the course in `folder`, every text decoded and every named file checked.

    Bodies are the authors' source; render them with render_markdown or clean_html before showing them.

    Raises:
        CourseFolderError: with every problem found, not only the first.
        BadAllowedHost: `allowed_embed_hosts` holds something that is not a host.
    """
    problems = Problems()
    reader = _FolderReader(
        files=FolderFiles(folder, problems), problems=problems, allowed_hosts=tuple(allowed_embed_hosts)
    )
    course = reader.course()
    problems.raise_if_any()
    if course is None:
        raise AssertionError("a course that could not be read left no problem behind")
    return course


@dataclass(slots=True)
class _FolderReader:
    """State of one reading: what was found wrong and which keys are taken.

    A field that cannot be used is noted and replaced by a harmless value, so that reading goes on and
    finds the other problems; such a course is never returned.
    """

    files: FolderFiles
    problems: Problems
    allowed_hosts: tuple[str, ...]
    _module_keys: dict[str, Place] = field(default_factory=dict)
    _lesson_keys: dict[str, Place] = field(default_factory=dict)

    def course(self) -> CourseSource | None:
        raw = self.files.read(COURSE_FILE, Place(COURSE_FILE), limit=MAX_YAML_BYTES)
        root = None if raw is None else read_yaml(raw, COURSE_FILE, self.problems)
        fields = None if root is None else root.mapping("The course", _COURSE_KEYS, self.problems)
        if root is None or fields is None:
            return None
        slug = self._key(fields, "slug", "The course", root.place)
        title = self._title(fields, "The course", root.place)
        language = self._language(fields, root.place)
        modules = self._required(fields, "modules", "The course", root.place)
        values = [] if modules is None else modules.items("modules", self.problems)
        return CourseSource(
            slug=slug,
            title=title,
            summary=self._summary(fields),
            language=language,
            modules=tuple(self._module(value) for value in values),
            files=self.files.found(),
        )

    def _module(self, value: YamlValue) -> ModuleSource:
        fields = value.mapping("A module", _MODULE_KEYS, self.problems) or {}
        key = self._key(fields, "key", "A module", value.place)
        self._take_key(key, "module", self._module_keys, fields)
        lessons = self._required(fields, "lessons", "A module", value.place) if fields else None
        values = [] if lessons is None else lessons.items("lessons", self.problems)
        return ModuleSource(
            key=key,
            title=self._title(fields, "A module", value.place),
            summary=self._summary(fields),
            lessons=tuple(self._lesson(lesson) for lesson in values),
        )

    def _lesson(self, value: YamlValue) -> LessonSource:
        fields = value.mapping("A lesson", _LESSON_KEYS, self.problems) or {}
        key = self._key(fields, "key", "A lesson", value.place)
        self._take_key(key, "lesson", self._lesson_keys, fields)
        kind = self._kind(fields, value.place)
        body, body_format, attachments = self._body(fields)
        required, published, minutes = fields.get("required"), fields.get("published"), fields.get("minutes")
        file = fields.get("file")
        return LessonSource(
            key=key,
            title=self._title(fields, "A lesson", value.place),
            kind=kind,
            body=body,
            body_format=body_format,
            file_path=None if file is None else file.text("file", Problems()),
            document=self._document(fields),
            embed_url=self._embed_url(fields),
            attachments=attachments,
            is_required=True if required is None else bool(required.flag("required", self.problems)),
            is_published=True if published is None else bool(published.flag("published", self.problems)),
            duration_minutes=None
            if minutes is None
            else minutes.whole_number("minutes", self.problems, low=1, high=MAX_LESSON_MINUTES),
        )

    def _kind(self, fields: _Fields, place: Place) -> LessonKind:
        if "document" in fields and "embed" in fields:
            message = "A lesson cannot have both 'document' and 'embed'."
            advice = "Make two lessons of it."
            self.problems.add(fields["embed"].place, "lesson_kind_ambiguous", message, advice)
        if fields and not fields.keys() & {"file", "document", "embed"}:
            advice = "Add 'file' (Markdown or HTML), 'document' or 'embed'."
            self.problems.add(place, "lesson_empty", "This lesson has no content.", advice)
        if "document" in fields:
            return LessonKind.DOCUMENT
        return LessonKind.EMBED if "embed" in fields else LessonKind.TEXT

    def _body(self, fields: _Fields) -> tuple[str, BodyFormat, tuple[SourceFile, ...]]:
        """Return source, format and pictures of the lesson's text file, empty when it has none."""
        nothing = ("", BodyFormat.MARKDOWN, ())
        path = fields["file"].text("file", self.problems) if "file" in fields else None
        if path is None:
            return nothing
        place = fields["file"].place
        body_format = _BODY_FORMATS.get(Path(path).suffix.lower())
        if body_format is None:
            message = f"'{path}' is not a lesson text."
            advice = "Use .md or .html here; other files belong under 'document'."
            self.problems.add(place, "file_type_not_allowed", message, advice)
            return nothing
        raw = self.files.read(path, place, limit=MAX_TEXT_BYTES)
        body = None if raw is None else decode_text(raw, path, self.problems)
        if body is None:
            return nothing
        try:
            rendered = render_markdown(body) if body_format is BodyFormat.MARKDOWN else clean_html(body)
        except ContentError as error:
            message = f"The text is too much for one lesson: {error}."
            self.problems.add(Place(path), error.code, message, "Split the lesson.")
            return nothing
        sources = _IMAGE_SOURCE.findall(rendered)
        if not sources and not re.sub(r"<[^>]*>|\s", "", rendered):
            message = "The lesson has no text that learners would see."
            self.problems.add(Place(path), "lesson_empty", message, "Write the lesson or remove its entry.")
        return body, body_format, self._attachments(path, body, sources)

    def _attachments(self, path: str, body: str, sources: list[str]) -> tuple[SourceFile, ...]:
        pictures = []
        for name in sorted({name for source in sources if (name := attachment_path(source))}):
            offset = max(body.find(name), 0)
            line_start = body.rfind("\n", 0, offset) + 1
            place = Place(path, body.count("\n", 0, offset) + 1, offset - line_start + 1)
            picture = self.files.binary(name, place, PICTURE_EXTENSIONS)
            if picture is not None:
                pictures.append(picture)
        return tuple(pictures)

    def _document(self, fields: _Fields) -> SourceFile | None:
        path = fields["document"].text("document", self.problems) if "document" in fields else None
        if path is None:
            return None
        return self.files.binary(path, fields["document"].place, DOCUMENT_EXTENSIONS)

    def _embed_url(self, fields: _Fields) -> str | None:
        url = fields["embed"].text("embed", self.problems) if "embed" in fields else None
        if url is None:
            return None
        try:
            return check_embed_url(url, self.allowed_hosts)
        except EmbedNotAllowed as error:
            message = f"'{url}' may not be embedded."
            advice = f"Use a plain https address at one of: {', '.join(error.allowed)}."
            self.problems.add(fields["embed"].place, error.code, message, advice)
            return None

    def _required(self, fields: _Fields, name: str, owner: str, place: Place) -> YamlValue | None:
        if name not in fields:
            self.problems.add(place, "key_missing", f"{owner} needs '{name}'.", f"Add '{name}:' here.")
        return fields.get(name)

    def _title(self, fields: _Fields, owner: str, place: Place) -> str:
        value = self._required(fields, "title", owner, place)
        return "" if value is None else self._line(value, "title", MAX_TITLE_CHARACTERS)

    def _summary(self, fields: _Fields) -> str:
        value = fields.get("summary")
        return "" if value is None else self._line(value, "summary", MAX_SUMMARY_CHARACTERS)

    def _line(self, value: YamlValue, name: str, limit: int) -> str:
        text = value.text(name, self.problems)
        if text is None:
            return ""
        try:
            line = plain_text(text)
        except ContentError:
            line = text
        if len(line) > limit:
            message = f"'{name}' has {len(line)} characters, the limit is {limit}."
            self.problems.add(value.place, "value_too_long", message, "Say it shorter.")
        elif not line:
            message = f"'{name}' holds no readable text."
            self.problems.add(value.place, "value_empty", message, "Write it in plain words.")
        return line

    def _key(self, fields: _Fields, name: str, owner: str, place: Place) -> str:
        value = self._required(fields, name, owner, place)
        text = None if value is None else value.text(name, self.problems)
        if value is None or text is None:
            return ""
        if not _KEY.fullmatch(text) or len(text) > MAX_KEY_CHARACTERS:
            fitting = "-".join(re.findall(r"[a-z0-9]+", text.lower()))[:MAX_KEY_CHARACTERS].strip("-")
            message = f"'{name}' may hold only a-z, 0-9 and single hyphens, at most {MAX_KEY_CHARACTERS}."
            advice = f"Write for example '{fitting or 'first-lesson'}'."
            self.problems.add(value.place, "key_format", message, advice)
        return text

    def _take_key(self, key: str, owner: str, taken: dict[str, Place], fields: _Fields) -> None:
        if not key:
            return
        place = fields["key"].place
        if key in taken:
            message = f"The {owner} key '{key}' is already used on line {taken[key].line}."
            advice = "Give each its own key; progress is remembered by it."
            self.problems.add(place, "key_taken", message, advice)
        taken.setdefault(key, place)

    def _language(self, fields: _Fields, place: Place) -> str:
        value = self._required(fields, "language", "The course", place)
        text = None if value is None else value.text("language", self.problems)
        if value is None or text is None:
            return ""
        if not _LANGUAGE.fullmatch(text):
            message = f"'{text}' is not a language tag."
            self.problems.add(value.place, "language_format", message, "Write for example en, de or pt-BR.")
        return text
