"""Reads a course folder: `course.yaml`, lesson texts and files. The demo course shows the format."""

import re
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar

from tenant_apps.courses.content.embeds import DEFAULT_ALLOWED_EMBED_HOSTS, check_embed_url
from tenant_apps.courses.content.errors import ContentError, EmbedNotAllowed
from tenant_apps.courses.content.folder_facts import FACT_KEYS, course_facts
from tenant_apps.courses.content.folder_fields import (
    MAX_KEY_CHARACTERS,
    MAX_SUMMARY_CHARACTERS,
    MAX_TITLE_CHARACTERS,
    FieldReader,
    Fields,
)
from tenant_apps.courses.content.folder_files import (
    DOCUMENT_EXTENSIONS,
    MAX_TEXT_BYTES,
    PICTURE_EXTENSIONS,
    FolderFiles,
)
from tenant_apps.courses.content.folder_rules import RULE_KEYS, KnownKeys, RuleReader
from tenant_apps.courses.content.marked_yaml import MAX_YAML_BYTES, YamlValue, decode_text, read_yaml
from tenant_apps.courses.content.problems import Place, Problems
from tenant_apps.courses.content.sanitize import attachment_path, clean_html, render_markdown
from tenant_apps.courses.content.source import (
    BodyFormat,
    CourseSource,
    LessonKind,
    LessonSource,
    ModuleSource,
    ResourceSource,
    SourceFile,
    TextSource,
    TranslationSource,
)

__all__ = ["MAX_KEY_CHARACTERS", "MAX_SUMMARY_CHARACTERS", "MAX_TITLE_CHARACTERS", "read_course_folder"]

COURSE_FILE: Final = "course.yaml"
MAX_LESSON_MINUTES: Final = 24 * 60
MAX_SECONDS: Final = 24 * 60 * 60
MAX_WEIGHT: Final = 1_000

_COURSE_KEYS: Final = ("slug", "title", "summary", "language", "modules", "rules", *FACT_KEYS)
_MODULE_KEYS: Final = ("key", "title", "summary", "lessons", "translations", *RULE_KEYS)
_TOPIC_KEYS: Final = (
    *("key", "title", "file", "document", "embed", "audio", "video", "seconds", "kind", "linked"),
    *("required", "published", "preview", "downloadable", "minutes", "weight", "resources", "translations"),
    *RULE_KEYS,
)
_LESSON_KEYS: Final = (*_TOPIC_KEYS, "topics")
# What a lesson can be made of, and the kind it is then, unless `kind` says otherwise.
_CONTENT_KEYS: Final = {
    "document": LessonKind.DOCUMENT,
    "embed": LessonKind.EMBED,
    "audio": LessonKind.AUDIO,
    "video": LessonKind.VIDEO,
}
_BODY_FORMATS: Final = {
    ".md": BodyFormat.MARKDOWN,
    ".markdown": BodyFormat.MARKDOWN,
    ".html": BodyFormat.HTML,
    ".htm": BodyFormat.HTML,
}
_IMAGE_SOURCE: Final = re.compile(r'<img[^>]* src="([^"]+)"')
# A picture that is no file of the folder but one that was uploaded before.
_STORED: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/[^/]+")

_Read = TypeVar("_Read")


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
    fields: FieldReader = field(init=False)
    rules: RuleReader = field(init=False)
    _module_keys: dict[str, Place] = field(default_factory=dict)
    _lesson_keys: dict[str, Place] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.fields = FieldReader(self.problems)
        self.rules = RuleReader(self.fields, self.problems, KnownKeys())

    def course(self) -> CourseSource | None:
        raw = self.files.read(COURSE_FILE, Place(COURSE_FILE), limit=MAX_YAML_BYTES)
        root = None if raw is None else read_yaml(raw, COURSE_FILE, self.problems)
        fields = None if root is None else root.mapping("The course", _COURSE_KEYS, self.problems)
        if root is None or fields is None:
            return None
        slug = self.fields.required(fields, "slug", "The course", root.place)
        title = self.fields.title(fields, "The course", root.place)
        language = self.fields.required(fields, "language", "The course", root.place)
        modules = self.fields.required(fields, "modules", "The course", root.place)
        values = [] if modules is None else modules.items("modules", self.problems, may_be_empty=True)
        if modules is not None:
            self.rules.known = KnownKeys.of(modules)
        return CourseSource(
            slug="" if slug is None else self.fields.slug(slug, "slug"),
            title=title,
            summary=self.fields.summary(fields),
            language="" if language is None else self.fields.language(language),
            modules=tuple(self._module(value) for value in values),
            files=self.files.found(),
            rules=self.rules.version_rules(fields.get("rules")),
            facts=course_facts(fields, self.fields),
        )

    def _module(self, value: YamlValue) -> ModuleSource:
        fields = value.mapping("A module", _MODULE_KEYS, self.problems) or {}
        key = self.fields.key(fields, "key", "A module", value.place)
        self._take_key(key, "module", self._module_keys, fields)
        lessons = self.fields.required(fields, "lessons", "A module", value.place) if fields else None
        values = [] if lessons is None else lessons.items("lessons", self.problems, may_be_empty=True)
        return ModuleSource(
            key=key,
            title=self.fields.title(fields, "A module", value.place),
            summary=self.fields.summary(fields),
            lessons=tuple(self._lesson(lesson, _LESSON_KEYS) for lesson in values),
            rules=self.rules.rules(fields),
            translations=self._translations(fields, ("title", "summary")),
        )

    def _lesson(self, value: YamlValue, known: tuple[str, ...]) -> LessonSource:
        fields = value.mapping("A lesson", known, self.problems) or {}
        key = self.fields.key(fields, "key", "A lesson", value.place)
        self._take_key(key, "lesson", self._lesson_keys, fields)
        kind = self._kind(fields, value.place)
        file = fields.get("file")
        # Whoever names the kind, or gives topics, may leave the text for later.
        may_be_empty = bool(fields.keys() & {"kind", "topics"})
        text = self._text(file, may_be_empty=may_be_empty) if file else TextSource()
        topics = fields.get("topics")
        return LessonSource(
            key=key,
            title=self.fields.title(fields, "A lesson", value.place),
            kind=kind,
            body=text.body,
            body_format=text.body_format,
            file_path=None if file is None else file.text("file", Problems()),
            document=self._document(fields.get("document"), "document"),
            embed_url=self._embed_url(fields),
            attachments=text.attachments,
            is_required=self.fields.flag(fields, "required", default=True),
            is_published=self.fields.flag(fields, "published", default=True),
            duration_minutes=self.fields.number(fields, "minutes", low=1, high=MAX_LESSON_MINUTES, default=0)
            or None,
            media_url=self._media_url(fields),
            duration_seconds=self.fields.number(fields, "seconds", low=1, high=MAX_SECONDS, default=0),
            linked_id=self._linked_id(fields),
            is_preview=self.fields.flag(fields, "preview", default=False),
            is_downloadable=self.fields.flag(fields, "downloadable", default=True),
            weight=self.fields.number(fields, "weight", low=0, high=MAX_WEIGHT, default=1),
            rules=self.rules.rules(fields),
            resources=self._resources(fields),
            translations=self._translations(fields, ("title", "summary", "file")),
            topics=self._list(topics, "topics", lambda topic: self._lesson(topic, _TOPIC_KEYS)),
        )

    def _kind(self, fields: Fields, place: Place) -> LessonKind:
        if "kind" in fields:
            return LessonKind(self.fields.choice(fields["kind"], "kind", [each.value for each in LessonKind]))
        given = [name for name in _CONTENT_KEYS if name in fields]
        if len(given) > 1:
            message = f"A lesson cannot have both '{given[0]}' and '{given[1]}'."
            advice = "Make two lessons of it."
            self.problems.add(fields[given[1]].place, "lesson_kind_ambiguous", message, advice)
        if fields and not given and not fields.keys() & {"file", "topics"}:
            advice = "Add 'file' (Markdown or HTML), 'document', 'embed', 'audio' or 'video'."
            self.problems.add(place, "lesson_empty", "This lesson has no content.", advice)
        return _CONTENT_KEYS[given[0]] if given else LessonKind.TEXT

    def _text(self, value: YamlValue, *, may_be_empty: bool) -> TextSource:
        """Return source, format and pictures of a text file."""
        path = value.text("file", self.problems)
        if path is None:
            return TextSource()
        body_format = _BODY_FORMATS.get(Path(path).suffix.lower())
        if body_format is None:
            message = f"'{path}' is not a lesson text."
            advice = "Use .md or .html here; other files belong under 'document'."
            self.problems.add(value.place, "file_type_not_allowed", message, advice)
            return TextSource()
        raw = self.files.read(path, value.place, limit=MAX_TEXT_BYTES)
        body = None if raw is None else decode_text(raw, path, self.problems)
        if body is None:
            return TextSource()
        try:
            rendered = render_markdown(body) if body_format is BodyFormat.MARKDOWN else clean_html(body)
        except ContentError as error:
            message = f"The text is too much for one lesson: {error}."
            self.problems.add(Place(path), error.code, message, "Split the lesson.")
            return TextSource()
        sources = _IMAGE_SOURCE.findall(rendered)
        if not may_be_empty and not sources and not re.sub(r"<[^>]*>|\s", "", rendered):
            message = "The lesson has no text that learners would see."
            self.problems.add(Place(path), "lesson_empty", message, "Write the lesson or remove its entry.")
        return TextSource(body, body_format, self._attachments(path, body, sources))

    def _attachments(self, path: str, body: str, sources: list[str]) -> tuple[SourceFile, ...]:
        pictures = []
        for name in sorted({name for source in sources if (name := attachment_path(source))}):
            if _STORED.fullmatch(name) and not (self.files.root / name).exists():
                continue
            offset = max(body.find(name), 0)
            line_start = body.rfind("\n", 0, offset) + 1
            place = Place(path, body.count("\n", 0, offset) + 1, offset - line_start + 1)
            picture = self.files.binary(name, place, PICTURE_EXTENSIONS)
            if picture is not None:
                pictures.append(picture)
        return tuple(pictures)

    def _document(self, value: YamlValue | None, name: str) -> SourceFile | None:
        path = None if value is None else value.text(name, self.problems)
        if value is None or path is None:
            return None
        return self.files.binary(path, value.place, DOCUMENT_EXTENSIONS)

    def _embed_url(self, fields: Fields) -> str | None:
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

    def _media_url(self, fields: Fields) -> str:
        given = next((name for name in ("audio", "video") if name in fields), None)
        return "" if given is None else self.fields.address(fields[given], given)

    def _linked_id(self, fields: Fields) -> uuid.UUID | None:
        return self.fields.uuid(fields["linked"], "linked") if "linked" in fields else None

    def _resources(self, fields: Fields) -> tuple[ResourceSource, ...]:
        taken: dict[str, Place] = {}

        def read(value: YamlValue) -> ResourceSource:
            known = value.mapping(
                "A resource", ("key", "title", "file", "url", "downloadable"), self.problems
            )
            found = known or {}
            key = self.fields.key_text(found["key"], "key") if "key" in found else ""
            self._take_key(key, "resource", taken, found)
            if found and len(found.keys() & {"file", "url"}) != 1:
                message = "A resource needs either 'file' or 'url'."
                self.problems.add(value.place, "resource_content", message, "Give one of the two.")
            return ResourceSource(
                key=key,
                title=self.fields.title(found, "A resource", value.place),
                file=self._document(found.get("file"), "file"),
                url=self.fields.address(found["url"], "url") if "url" in found else "",
                is_downloadable=self.fields.flag(found, "downloadable", default=True),
            )

        return self._list(fields.get("resources"), "resources", read)

    def _translations(self, fields: Fields, known: tuple[str, ...]) -> tuple[TranslationSource, ...]:
        pairs = (
            fields["translations"].pairs("'translations'", self.problems) if "translations" in fields else []
        )
        found = []
        for key, value in pairs:
            language = self.fields.language(key)
            texts = value.mapping("A translation", known, self.problems) or {}
            found.append(
                TranslationSource(
                    language=language,
                    title=self.fields.optional_line(texts, "title", MAX_TITLE_CHARACTERS),
                    summary=self.fields.summary(texts),
                    text=self._text(texts["file"], may_be_empty=True) if "file" in texts else None,
                )
            )
        return tuple(found)

    def _list(
        self, value: YamlValue | None, name: str, read: Callable[[YamlValue], _Read]
    ) -> tuple[_Read, ...]:
        return () if value is None else tuple(map(read, value.items(name, self.problems, may_be_empty=True)))

    def _take_key(self, key: str, owner: str, taken: dict[str, Place], fields: Fields) -> None:
        if not key:
            return
        place = fields["key"].place
        if key in taken:
            message = f"The {owner} key '{key}' is already used on line {taken[key].line}."
            advice = "Give each its own key; progress is remembered by it."
            self.problems.add(place, "key_taken", message, advice)
        taken.setdefault(key, place)
