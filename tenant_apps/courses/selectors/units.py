"""Versions in the form that `content.comparing` takes: four statements for any number of versions."""

import uuid
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tenant_apps.courses.content.comparing import Level, Piece, Unit
from tenant_apps.courses.content.digest import text_digest
from tenant_apps.courses.models import Lesson, LessonResource, Module, Translation

_RULES: Final = ("release", "requires", "due")
_MODULE_FACTS: Final = ("title", "summary", *_RULES)
_LESSON_FACTS: Final = (
    "title",
    "kind",
    "is_required",
    "is_published",
    "is_preview",
    "is_downloadable",
    "minutes",
    "weight",
    "embed_url",
    "media_url",
    "duration_seconds",
    *_RULES,
)
_NO_TEXT: Final = text_digest("markdown", "")


@dataclass(frozen=True, slots=True)
class VersionUnits:
    """The units of a version, each parent before its children, and the ids of their rows by lineage."""

    units: tuple[Unit, ...]
    ids: Mapping[uuid.UUID, uuid.UUID]


def read_units(version_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, VersionUnits]:
    """Return the units of each version in teaching order; an unknown or empty version has none.

    No visibility is asked: for code that has already decided. Texts are told by their digests, so their
    length does not matter.
    """
    wanted = list(version_ids)
    translations = _translations(wanted)
    resources = _resources(wanted)
    lessons: dict[tuple[uuid.UUID, uuid.UUID | None], list[Mapping[str, Any]]] = defaultdict(list)
    for row in _lesson_rows(wanted):
        lessons[row["module_id"], row["parent_id"]].append(row)
    found: dict[uuid.UUID, VersionUnits] = {each: VersionUnits((), {}) for each in wanted}
    gathered: dict[uuid.UUID, list[Unit]] = defaultdict(list)
    ids: dict[uuid.UUID, dict[uuid.UUID, uuid.UUID]] = defaultdict(dict)
    modules = Module.objects.filter(version_id__in=wanted).order_by("position")
    for module in modules.values("id", "version_id", "lineage", *_MODULE_FACTS):
        version_id = module["version_id"]
        own = [(Level.MODULE, None, module)]
        for lesson in lessons.get((module["id"], None), ()):
            own.append((Level.LESSON, module["lineage"], lesson))
            own += [
                (Level.TOPIC, lesson["lineage"], each)
                for each in lessons.get((module["id"], lesson["id"]), ())
            ]
        for level, parent, row in own:
            ids[version_id][row["lineage"]] = row["id"]
            gathered[version_id].append(
                Unit(
                    row["lineage"],
                    level,
                    parent,
                    dict(_facts(row, level)),
                    tuple(resources.get(row["id"], ())),
                    tuple(translations.get((version_id, row["lineage"]), ())),
                )
            )
    found.update({each: VersionUnits(tuple(units), ids[each]) for each, units in gathered.items()})
    return found


def _lesson_rows(version_ids: Sequence[uuid.UUID]) -> Iterator[Mapping[str, Any]]:
    rows = Lesson.objects.filter(version_id__in=version_ids).order_by("position")
    yield from rows.values(
        *("id", "version_id", "lineage", "module_id", "parent_id", "linked_id", "document_id"),
        *("document__name", "document__size", "document__sha256", "text__digest"),
        *_LESSON_FACTS,
    )


def _facts(row: Mapping[str, Any], level: Level) -> Iterator[tuple[str, Any]]:
    for name in _MODULE_FACTS if level is Level.MODULE else _LESSON_FACTS:
        # The order of what is required says nothing.
        yield name, sorted(row[name]) if name == "requires" else row[name]
    if level is not Level.MODULE:
        yield "body", row["text__digest"] or _NO_TEXT
        yield "document", _file(row, "document")
        yield "linked_id", str(row["linked_id"]) if row["linked_id"] else None


def _file(row: Mapping[str, Any], name: str) -> dict[str, Any] | None:
    if row[f"{name}_id"] is None:
        return None
    facts = {each: row[f"{name}__{each}"] for each in ("name", "size", "sha256")}
    return {"id": str(row[f"{name}_id"]), **facts}


def _resources(version_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, list[Piece]]:
    found: dict[uuid.UUID, list[Piece]] = defaultdict(list)
    rows = LessonResource.objects.filter(version_id__in=version_ids).order_by("position")
    for row in rows.values(
        *("lesson_id", "lineage", "title", "url", "is_downloadable", "file_id"),
        *("file__name", "file__size", "file__sha256"),
    ):
        facts = {name: row[name] for name in ("title", "url", "is_downloadable")}
        found[row["lesson_id"]].append(Piece(str(row["lineage"]), {**facts, "file": _file(row, "file")}))
    return found


def _translations(
    version_ids: Sequence[uuid.UUID],
) -> dict[tuple[uuid.UUID, uuid.UUID], list[Piece]]:
    found: dict[tuple[uuid.UUID, uuid.UUID], list[Piece]] = defaultdict(list)
    rows = Translation.objects.filter(version_id__in=version_ids).order_by("language")
    for row in rows.values("version_id", "lineage", "language", "title", "summary", "text__digest"):
        facts = {"title": row["title"], "summary": row["summary"], "body": row["text__digest"]}
        found[row["version_id"], row["lineage"]].append(Piece(row["language"], facts))
    return found
