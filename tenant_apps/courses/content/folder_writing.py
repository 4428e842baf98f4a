"""Writes a version as a course folder that `content.folder` reads back: the same content, key by key."""

import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote

import yaml

from tenant_apps.courses.content.keys import derived_key, keys_of
from tenant_apps.courses.content.sanitize import ATTACHMENT_SCHEME
from tenant_apps.courses.types import (
    DocumentFacts,
    OutlineLesson,
    OutlineModule,
    OutlineTranslation,
    VersionOutline,
)

_SHOWN_PICTURE: Final = re.compile(
    r'<img[^>]* src="attachment:([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})/'
)
_PICTURE: Final = re.compile(
    ATTACHMENT_SCHEME + r""":([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})/[^\s"'()<>\[\]]*"""
)
_EXTENSIONS: Final = {"markdown": ".md", "html": ".html"}
# Keys of a lesson that say what it is made of, and the kind they stand for.
_MADE_OF: Final = ("document", "embed", "audio", "video")


@dataclass(slots=True)
class CourseFolder:
    """A folder to be written: texts by path, and for each path of a file the id of what is stored."""

    texts: dict[str, str] = field(default_factory=dict)
    files: dict[str, uuid.UUID] = field(default_factory=dict)


def shown_pictures(outline: VersionOutline) -> set[uuid.UUID]:
    """Return the ids of the stored pictures that texts of the version show."""
    return {uuid.UUID(found) for html in _all_html(outline) for found in _SHOWN_PICTURE.findall(html)}


def write_folder(
    outline: VersionOutline, facts: Mapping[str, Any], pictures: Mapping[uuid.UUID, str]
) -> CourseFolder:
    """Return the version as a folder.

    What was given no key goes by one that is made from its lineage, so any export calls it the same. A rule
    that names a unit the version does not have is left out: no folder can say it.

    Args:
        outline: the version.
        facts: the course's part of `course.yaml`: slug, title and what else is to stand before the modules.
        pictures: file name by id, of those that texts show.
    """
    writer = _Writer(outline, pictures)
    root = {**facts, **_given(rules=_version_rules(outline.rules))}
    root["modules"] = [writer.module(module) for module in outline.modules]
    writer.folder.texts["course.yaml"] = _dumped(root)
    return writer.folder


class _Writer:
    """The folder while it grows."""

    def __init__(self, outline: VersionOutline, pictures: Mapping[uuid.UUID, str]) -> None:
        self.folder = CourseFolder()
        self.pictures = pictures
        self.paths: dict[uuid.UUID, str] = {}
        self.taken: set[str] = set()
        lessons = [each for lesson in outline.lessons for each in (lesson, *lesson.topics)]
        self.module_keys = keys_of((each.lineage, each.key) for each in outline.modules)
        self.lesson_keys = keys_of((each.lineage, each.key) for each in lessons)

    def module(self, module: OutlineModule) -> dict[str, Any]:
        return {
            "key": self.module_keys[module.lineage],
            "title": module.title,
            **_given(summary=module.summary),
            **self._rules(module),
            **_given(translations=self._translations("", module.translations)),
            "lessons": [self.lesson(lesson) for lesson in module.lessons],
        }

    def lesson(self, lesson: OutlineLesson) -> dict[str, Any]:
        key = self.lesson_keys[lesson.lineage]
        media = "audio" if lesson.kind == "audio" else "video"
        made = _given(
            file=self._text(f"lessons/{key}", lesson.body, lesson.body_format),
            document=self._file(lesson.document),
            embed=lesson.embed_url,
            **{media: lesson.media_url},
        )
        return {
            "key": key,
            "title": lesson.title,
            **_given(kind=_kind_to_tell(lesson, made)),
            **made,
            **_given(
                seconds=lesson.duration_seconds,
                linked=str(lesson.linked_id) if lesson.linked_id else None,
                minutes=lesson.minutes,
            ),
            **_flags(lesson),
            **self._rules(lesson),
            **_given(
                resources=self._resources(lesson),
                translations=self._translations(f"lessons/{key}", lesson.translations),
                topics=[self.lesson(topic) for topic in lesson.topics],
            ),
        }

    def _resources(self, lesson: OutlineLesson) -> list[dict[str, Any]]:
        return [
            {
                "key": derived_key(each.lineage),
                "title": each.title,
                **_given(file=self._file(each.file), url=each.url),
                **({} if each.is_downloadable else {"downloadable": False}),
            }
            for each in lesson.resources
        ]

    def _translations(self, path: str, translations: Sequence[OutlineTranslation]) -> dict[str, Any]:
        return {
            each.language: _given(
                title=each.title,
                summary=each.summary,
                file=self._written(f"{path}.{each.language}", each.body, each.body_format)
                if each.body_format
                else None,
            )
            for each in translations
        }

    def _rules(self, unit: OutlineModule | OutlineLesson) -> dict[str, Any]:
        requires = [name for each in unit.requires if (name := self._reference(each))]
        return _given(release=self._time(unit.release), requires=requires, due=self._time(unit.due))

    def _time(self, rule: Mapping[str, Any] | None) -> dict[str, Any] | None:
        if rule is None:
            return None
        match rule:
            case {"kind": "after", "unit": unit}:
                name = self._reference(unit)
                return {"after": name, **_given(days=rule.get("days"))} if name else None
            case {"kind": "date", "local": local}:
                return {"date": local, **_given(zone=rule.get("zone"))}
            case {"kind": "days", "days": days}:
                return {"days": days, **_given(at=rule.get("at"))}
        return None

    def _reference(self, lineage: str) -> str | None:
        wanted = uuid.UUID(lineage)
        if wanted in self.lesson_keys:
            return f"lesson:{self.lesson_keys[wanted]}"
        return f"module:{self.module_keys[wanted]}" if wanted in self.module_keys else None

    def _text(self, path: str, body: str, body_format: str) -> str | None:
        """Add a text and return its path, None for an empty one that nothing but the default would say."""
        return self._written(path, body, body_format) if body or body_format != "markdown" else None

    def _written(self, path: str, body: str, body_format: str) -> str:
        place = f"{path}{_EXTENSIONS[body_format]}"
        self.folder.texts[place] = _PICTURE.sub(self._picture, body)
        return place

    def _picture(self, found: re.Match[str]) -> str:
        file_id = uuid.UUID(found[1])
        if file_id not in self.pictures:
            return found[0]
        return f"{ATTACHMENT_SCHEME}:{quote(self._path(file_id, self.pictures[file_id]))}"

    def _file(self, file: DocumentFacts | None) -> str | None:
        return None if file is None else self._path(file.id, file.name)

    def _path(self, file_id: uuid.UUID, name: str) -> str:
        """Return where the file goes. Its name stays: files are known by bytes and name."""
        if file_id not in self.paths:
            path = f"files/{name}"
            if path.casefold() in self.taken:  # some disks take no two names that differ in case alone
                path = f"files/{file_id.hex}/{name}"
            self.taken.add(path.casefold())
            self.paths[file_id] = path
            self.folder.files[path] = file_id
        return self.paths[file_id]


def _kind_to_tell(lesson: OutlineLesson, made: Mapping[str, Any]) -> str | None:
    """Return the kind where what the lesson is made of does not tell it, or would be refused as empty."""
    given = [name for name in _MADE_OF if name in made]
    told = given[0] if len(given) == 1 else "text"
    is_empty = not re.sub(r"<(?!img)[^>]*>|\s", "", lesson.body_html) and not given and not lesson.topics
    return str(lesson.kind) if len(given) > 1 or told != lesson.kind or is_empty else None


def _flags(lesson: OutlineLesson) -> dict[str, Any]:
    """Return the flags and the weight that differ from their defaults."""
    flags = {
        "required": (lesson.is_required, True),
        "published": (lesson.is_published, True),
        "preview": (lesson.is_preview, False),
        "downloadable": (lesson.is_downloadable, True),
        "weight": (lesson.weight, 1),
    }
    return {name: value for name, (value, default) in flags.items() if value != default}


def _version_rules(rules: Mapping[str, Any]) -> dict[str, Any]:
    completion = rules.get("completion", {})
    told = {"percent": completion["percent"]} if "percent" in completion else completion.get("kind")
    return _given(sequential=rules.get("sequential"), completion=told)


def _given(**fields: Any) -> dict[str, Any]:
    """Return the fields that say something; left out they mean the same."""
    return {name: value for name, value in fields.items() if value}


def _all_html(outline: VersionOutline) -> Iterator[str]:
    for lesson in outline.lessons:
        for each in (lesson, *lesson.topics):
            yield each.body_html
            yield from (translation.body_html for translation in each.translations)


class _Dumper(yaml.SafeDumper):
    """Writes no aliases, which the reader refuses."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _dumped(root: Mapping[str, Any]) -> str:
    return str(yaml.dump(dict(root), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110))
