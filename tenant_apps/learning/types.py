"""What a version asks of its learners, as frozen values: its units in order, with their rules and weights."""

import uuid
from collections.abc import Container, Mapping
from dataclasses import dataclass
from typing import Any

from tenant_apps.courses.content.rules import TimeRule, VersionRules

MODULE, LESSON, TOPIC = "module", "lesson", "topic"


@dataclass(frozen=True, slots=True)
class Unit:
    """A module, lesson or topic as rules see it.

    Attributes:
        level: `MODULE`, `LESSON` or `TOPIC`.
        parent: lineage of the lesson of a topic, of the module of a lesson; "" for a module.
        place: of a lesson among all lessons, of a topic among those of its lesson; from 0.
        release, due: of the version; a run's dates stand before them.
        requires: lineages that are completed first.
        takes: lineages that complete it: of a module its required lessons, of a lesson its required topics.
    """

    id: str
    lineage: str
    title: str
    level: str
    parent: str
    place: int
    kind: str
    is_required: bool
    weight: int
    release: TimeRule | None
    requires: tuple[str, ...]
    due: TimeRule | None
    takes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outline:
    """What a learner sees of a version: published lessons in order, and the modules that hold any.

    Ids are text, as they leave the house; rows are JSON-ready and shared between requests, never changed.

    Attributes:
        number: of the version.
        modules: (module, its lessons) in order; topics are in their lesson's `topics`.
        lessons: every lesson and topic by id; a lesson is followed by its topics.
        units: everything by lineage.
        order: lineages of the lessons, in order.
        required: lineages of the lessons that completing the course takes; all of them where the author
            required none.
        weights: of each lesson by lineage.
        is_gated: some lesson may be closed in an open course, or completes by its topics.
        has_due: some unit is due at some time.
        titles: title by lineage, for each language the version is translated to.
    """

    number: int
    modules: tuple[tuple[dict[str, Any], tuple[dict[str, Any], ...]], ...]
    lessons: dict[str, dict[str, Any]]
    units: dict[str, Unit]
    order: tuple[str, ...]
    required: frozenset[str]
    weights: dict[str, int]
    total_weight: int
    rules: VersionRules
    is_gated: bool
    has_due: bool
    titles: Mapping[str, Mapping[str, str]]

    @property
    def total(self) -> int:
        """Number of lessons; topics count to theirs."""
        return len(self.order)

    def lesson(self, lesson_id: uuid.UUID) -> dict[str, Any] | None:
        """Return the row of a lesson or topic, None when the version has no such published one."""
        return self.lessons.get(str(lesson_id))

    def percent(self, weight: int) -> int:
        """Return how much of the whole that weight is, rounded down, so that 100 means all."""
        return min(weight, self.total_weight) * 100 // self.total_weight if self.total_weight else 0

    def completed_weight(self, done: Container[str]) -> int:
        """Return the weight of the completed lessons; `done` holds lineages."""
        return sum(weight for lineage, weight in self.weights.items() if lineage in done)

    def completed_count(self, done: Container[str]) -> int:
        """Return the number of completed lessons, topics not counted; `done` holds lineages."""
        return sum(lineage in done for lineage in self.order)

    def completed_required(self, done: Container[str]) -> int:
        """Return the number of completed lessons among those that the course takes."""
        return sum(lineage in done for lineage in self.required)

    def is_finished(self, *, required: int, weight: int) -> bool:
        """Tell whether the version's rule says that the course is complete; never where somebody says so.

        Args:
            required: completed lessons among `required`.
            weight: completed weight.
        """
        match self.rules.completion.kind:
            case "all_required":
                return required >= len(self.required)
            case "percent":
                return weight * 100 >= self.rules.completion.percent * self.total_weight
            case _:
                return False

    def next_after(self, last: str | None, done: Container[str]) -> dict[str, Any] | None:
        """Return the lesson or topic to go on with: the one left, else the next open one, else the first.

        Args:
            last: id of the lesson visited last.
            done: lineages of what is completed.
        """
        first = None
        passed = False
        for lesson_id, lesson in self.lessons.items():
            passed = passed or lesson_id == last
            if lesson["lineage"] in done or self.units[lesson["lineage"]].takes:
                continue
            if passed or last is None:
                return lesson
            first = first or lesson
        return first

    def neighbours(self, lesson_id: str) -> tuple[str | None, str | None]:
        """Return the ids of what comes before and after, topics included."""
        order = list(self.lessons)
        place = order.index(lesson_id)
        return (
            order[place - 1] if place else None,
            order[place + 1] if place + 1 < len(order) else None,
        )

    def language_for(self, asked: str) -> str:
        """Return the version's language that serves a wish best: that one, its base ("de" for "de-CH"), or
        "" for the language it was written in."""
        if not self.titles or not asked:
            return ""
        base = asked.split("-", 1)[0]
        return asked if asked in self.titles else base if base in self.titles else ""

    def title_of(self, lineage: str, language: str) -> str:
        """Return the title in one of the version's languages, else the original; "" for no such unit."""
        unit = self.units.get(lineage)
        return self.titles.get(language, {}).get(lineage) or (unit.title if unit else "")
