"""Outlines of published versions, kept in memory.

A published version never changes (the database refuses), so its outline is read once by each process and
needs no invalidation. Lists and trees of learners then cost one small query instead of a walk over lessons.
"""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import connection

from tenants.context import current_organization

# About 60 kB for a course of 100 lessons.
_KEPT = 200

_LESSONS = """
SELECT v.id, v.number, m.id::text, m.title, m.position,
       l.id::text, l.lineage::text, l.title, l.kind, l.position, l.is_required, l.minutes
  FROM courses_courseversion v
  LEFT JOIN (courses_module m JOIN courses_lesson l ON l.module_id = m.id AND l.is_published)
    ON m.version_id = v.id
 WHERE v.id = ANY(%s) AND v.state = 'published'
 ORDER BY v.id, m.position, l.position
"""

_LESSON_FIELDS = ("id", "lineage", "title", "kind", "position", "is_required", "minutes")


@dataclass(frozen=True, slots=True)
class Outline:
    """What a learner sees of a version: published lessons in order, and the modules that hold any.

    Ids are text, as they leave the house; rows are JSON-ready and shared between requests, never changed.

    Attributes:
        number: of the version.
        modules: (module, its lessons) in order.
        lessons: every lesson by id, in order.
        required: ids that completing the course takes; all of them where the author required none.
    """

    number: int
    modules: tuple[tuple[dict[str, Any], tuple[dict[str, Any], ...]], ...]
    lessons: dict[str, dict[str, Any]]
    required: frozenset[str]

    @property
    def total(self) -> int:
        """Number of lessons."""
        return len(self.lessons)

    def lesson(self, lesson_id: uuid.UUID) -> dict[str, Any] | None:
        """Return the lesson's row, None when the version has no such published lesson."""
        return self.lessons.get(str(lesson_id))

    def percent(self, completed: int) -> int:
        """Return how much of the whole that many lessons are, rounded down, so that 100 means all."""
        return completed * 100 // self.total if self.total else 0

    def next_after(self, last: str | None, done: frozenset[str]) -> dict[str, Any] | None:
        """Return the lesson to go on with: the one left, else the next open one, else the first open one.

        Args:
            last: id of the lesson visited last.
            done: ids of the completed lessons.
        """
        first = None
        passed = False
        for lesson_id, lesson in self.lessons.items():
            passed = passed or lesson_id == last
            if lesson_id not in done:
                if passed or last is None:
                    return lesson
                first = first or lesson
        return first

    def neighbours(self, lesson_id: str) -> tuple[str | None, str | None]:
        """Return the ids of the lessons before and after."""
        order = list(self.lessons)
        place = order.index(lesson_id)
        return (
            order[place - 1] if place else None,
            order[place + 1] if place + 1 < len(order) else None,
        )


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


def _keep(key: tuple[uuid.UUID, uuid.UUID], outline: Outline) -> None:
    while len(_outlines) >= _KEPT:
        _outlines.pop(next(iter(_outlines)), None)
    _outlines[key] = outline


def _read(version_ids: list[uuid.UUID]) -> dict[uuid.UUID, Outline]:
    numbers: dict[uuid.UUID, int] = {}
    grouped: dict[uuid.UUID, dict[str, tuple[dict[str, Any], list[dict[str, Any]]]]] = {}
    with connection.cursor() as cursor:
        cursor.execute(_LESSONS, [version_ids])
        for version_id, number, module_id, module_title, module_position, *lesson in cursor.fetchall():
            numbers[version_id] = number
            modules = grouped.setdefault(version_id, {})
            if module_id is None:  # a version without published lessons
                continue
            module = {"id": module_id, "title": module_title, "position": module_position}
            row = dict(zip(_LESSON_FIELDS, lesson, strict=True)) | {"module_id": module_id}
            modules.setdefault(module_id, (module, []))[1].append(row)
    return {
        version_id: _outline(numbers[version_id], list(modules.values()))
        for version_id, modules in grouped.items()
    }


def _outline(number: int, modules: list[tuple[dict[str, Any], list[dict[str, Any]]]]) -> Outline:
    lessons = {lesson["id"]: lesson for _, rows in modules for lesson in rows}
    required = frozenset(lesson_id for lesson_id, lesson in lessons.items() if lesson["is_required"])
    return Outline(
        number=number,
        modules=tuple((module, tuple(rows)) for module, rows in modules),
        lessons=lessons,
        required=required or frozenset(lessons),
    )
