"""Outlines of published versions, kept in memory.

A published version never changes (the database refuses), so its outline is read once by each process and
needs no invalidation. Lists and trees of learners then cost one small query instead of a walk over lessons.
"""

import json
import uuid
from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection

from tenant_apps.courses.content.rules import (
    VersionRules,
    parse_requires,
    parse_time_rule,
    parse_version_rules,
)
from tenant_apps.learning.types import LESSON, MODULE, TOPIC, Outline, Unit
from tenants.context import current_organization

__all__ = ["Outline", "find_lesson", "get_outline", "get_outlines"]

# About 100 kB for a course of 100 lessons.
_KEPT = 200

# Lessons before topics, so that a topic finds its lesson. What belongs to the whole version comes with its
# first row only.
_LESSONS = """
SELECT v.id, v.number, v.rules,
       CASE WHEN 1 = row_number() OVER
                 (PARTITION BY v.id ORDER BY m.position, l.parent_id NULLS FIRST, l.position)
            THEN (SELECT jsonb_agg(jsonb_build_array(t.language, t.lineage, t.title))
                    FROM courses_translation t WHERE t.version_id = v.id) END,
       m.id::text, m.lineage::text, m.title, m.position, m.release, m.requires, m.due,
       l.id::text, l.lineage::text, l.title, l.kind, l.position, l.is_required, l.minutes, l.parent_id::text,
       l.weight, l.release, l.requires, l.due
  FROM courses_courseversion v
  LEFT JOIN (courses_module m JOIN courses_lesson l ON l.module_id = m.id AND l.is_published)
    ON m.version_id = v.id
 WHERE v.id = ANY(%s) AND v.state = 'published'
 ORDER BY v.id, m.position, l.parent_id NULLS FIRST, l.position
"""

_OF_ANY_STATE = _LESSONS.replace(" AND v.state = 'published'", "")

_LINEAGE = """
SELECT l.lineage::text FROM courses_lesson l
  JOIN courses_courseversion v ON v.id = l.version_id AND v.course_id = %s
 WHERE l.id = %s
"""

_LESSON_FIELDS = ("id", "lineage", "title", "kind", "position", "is_required", "minutes", "parent_id")

_outlines: dict[tuple[uuid.UUID, uuid.UUID], Outline] = {}


def get_outlines(version_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, Outline]:
    """Return the outlines of published versions by id, in no query when all are known, else in one."""
    organization_id = current_organization().id
    found: dict[uuid.UUID, Outline] = {}
    missing: list[uuid.UUID] = []
    for version_id in set(version_ids):
        outline = _outlines.get((organization_id, version_id))
        if outline is None:
            missing.append(version_id)
        else:
            found[version_id] = outline
    if missing:
        for version_id, outline in _read(missing).items():
            found[version_id] = outline
            _keep((organization_id, version_id), outline)
    return found


def get_outline(version_id: uuid.UUID) -> Outline:
    """Return the outline of one published version."""
    return get_outlines([version_id])[version_id]


def read_outline(version_id: uuid.UUID) -> Outline:
    """Return the outline of a version that may be a draft: read every time, since drafts change."""
    return _read([version_id], _OF_ANY_STATE)[version_id]


def find_lesson(outline: Outline, lesson_id: uuid.UUID, course_id: uuid.UUID) -> dict[str, Any] | None:
    """Return the row of a lesson or topic by its id, also by the one it had in another version of the course:
    a page that was open while the run moved goes on working. No query for an id of the outline's own.

    Returns:
        None for a lesson of another course, and for one that the outline's version does not have.
    """
    found = outline.lesson(lesson_id)
    if found is not None:
        return found
    with connection.cursor() as cursor:
        cursor.execute(_LINEAGE, [course_id, lesson_id])
        row = cursor.fetchone()
    unit = outline.units.get(row[0]) if row else None
    return outline.lessons.get(unit.id) if unit else None


def _keep(key: tuple[uuid.UUID, uuid.UUID], outline: Outline) -> None:
    while len(_outlines) >= _KEPT:
        _outlines.pop(next(iter(_outlines)), None)
    _outlines[key] = outline


def _read(version_ids: list[uuid.UUID], statement: str = _LESSONS) -> dict[uuid.UUID, Outline]:
    building: dict[uuid.UUID, _Building] = {}
    with connection.cursor() as cursor:
        cursor.execute(statement, [version_ids])
        for version_id, number, rules, titles, *unit in cursor.fetchall():
            version = building.get(version_id)
            if version is None:
                version = building[version_id] = _Building(number, parse_version_rules(json.loads(rules)))
                version.add_titles(json.loads(titles) if titles else [])
            if unit[0] is not None:  # a version may have no published lessons
                version.add(unit[:7], unit[7:])
    return {version_id: version.finished() for version_id, version in building.items()}


class _Building:
    """An outline while its rows come in."""

    def __init__(self, number: int, rules: VersionRules) -> None:
        self.number = number
        self.rules = rules
        self.titles: dict[str, dict[str, str]] = {}
        self.modules: dict[str, tuple[dict[str, Any], list[dict[str, Any]]]] = {}
        self.module_rules: dict[str, tuple[str, Sequence[Any]]] = {}
        self.rows: dict[str, dict[str, Any]] = {}
        self.row_rules: dict[str, Sequence[Any]] = {}

    def add_titles(self, translations: list[tuple[str, str, str]]) -> None:
        for language, lineage, title in translations:
            self.titles.setdefault(language, {})[lineage] = title

    def add(self, module: Sequence[Any], lesson: Sequence[Any]) -> None:
        module_id, lineage, title, position, *rules = module
        if module_id not in self.modules:
            about = {"id": module_id, "lineage": lineage, "title": title, "position": position}
            self.modules[module_id] = (about, [])
            self.module_rules[module_id] = (lineage, rules)
        row = dict(zip(_LESSON_FIELDS, lesson, strict=False)) | {"module_id": module_id, "topics": ()}
        parent_id = row["parent_id"]
        if parent_id is None:
            self.modules[module_id][1].append(row)
        elif parent_id in self.rows:
            parent = self.rows[parent_id]
            parent["topics"] = (*parent["topics"], row)
        else:  # its lesson is not published
            return
        self.rows[row["id"]] = row
        self.row_rules[row["id"]] = lesson[len(_LESSON_FIELDS) :]

    def finished(self) -> Outline:
        lessons = [row for _, rows in self.modules.values() for row in rows]
        units = self._units(lessons)
        order = tuple(row["lineage"] for row in lessons)
        required = frozenset(row["lineage"] for row in lessons if row["is_required"])
        weights = {lineage: units[lineage].weight for lineage in order}
        return Outline(
            number=self.number,
            modules=tuple((module, tuple(rows)) for module, rows in self.modules.values()),
            lessons={each["id"]: each for row in lessons for each in (row, *row["topics"])},
            units=units,
            order=order,
            required=required or frozenset(order),
            weights=weights,
            total_weight=sum(weights.values()),
            rules=self.rules,
            is_gated=self.rules.sequential
            or any(unit.release or unit.requires or unit.level == TOPIC for unit in units.values()),
            has_due=any(unit.due for unit in units.values()),
            titles=self.titles,
        )

    def _units(self, lessons: list[dict[str, Any]]) -> dict[str, Unit]:
        units: dict[str, Unit] = {}
        for place, (module, rows) in enumerate(self.modules.values()):
            lineage, rules = self.module_rules[module["id"]]
            takes = _required(rows) or tuple(row["lineage"] for row in rows)
            units[lineage] = _unit(module, MODULE, "", place, takes, 0, rules)
        for place, row in enumerate(lessons):
            parent = self.module_rules[row["module_id"]][0]
            weight, *rules = self.row_rules[row["id"]]
            takes = _required(row["topics"])
            units[row["lineage"]] = _unit(row, LESSON, parent, place, takes, weight, rules)
            for number, topic in enumerate(row["topics"]):
                _, *rules = self.row_rules[topic["id"]]
                units[topic["lineage"]] = _unit(topic, TOPIC, row["lineage"], number, (), 0, rules)
        return units


def _required(rows: Iterable[dict[str, Any]]) -> tuple[str, ...]:
    return tuple(row["lineage"] for row in rows if row["is_required"])


def _unit(
    row: dict[str, Any],
    level: str,
    parent: str,
    place: int,
    takes: tuple[str, ...],
    weight: int,
    rules: Sequence[Any],
) -> Unit:
    release, requires, due = (json.loads(each) if each else None for each in rules)
    return Unit(
        id=row["id"],
        lineage=row["lineage"],
        title=row["title"],
        level=level,
        parent=parent,
        place=place,
        kind=row.get("kind", ""),
        is_required=row.get("is_required", True),
        weight=weight,
        release=parse_time_rule(release, field="release"),
        requires=tuple(str(each) for each in parse_requires(requires or [])),
        due=parse_time_rule(due, field="due"),
        takes=takes,
    )
