"""What a move to another version means, as arithmetic on sets of lessons.

A learner's completed lessons are one whole number, a bit for each lesson (or topic) of the two versions, so
that a thousand learners with a thousand lessons each are reckoned in one pass.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from tenant_apps.learning.content.mapping import MapRule
from tenant_apps.learning.types import LESSON, MODULE, Outline


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a learner stands in a version; the counters of `CourseProgress` and what follows from them."""

    completed: int
    required_completed: int
    weight: int
    percent: int
    is_fulfilled: bool


class Yardstick:
    """Measures sets of completed lessons against one version."""

    def __init__(self, outline: Outline, places: Mapping[str, int]) -> None:
        self.outline = outline
        self._lessons = _mask(places, outline.order)
        self.shown = _mask(places, shown_in(outline))
        self.required = _mask(places, outline.required)
        by_weight: dict[int, list[str]] = {}
        for lineage, weight in outline.weights.items():
            by_weight.setdefault(weight, []).append(lineage)
        self._weights = [(weight, _mask(places, found)) for weight, found in by_weight.items() if weight]
        self._by_topics = [
            (1 << places[unit.lineage], _mask(places, unit.takes))
            for unit in outline.units.values()
            if unit.level == LESSON and unit.takes
        ]

    def with_finished_topics(self, done: int) -> int:
        """Return the set with the lessons added whose required topics are all in it."""
        for lesson, topics in self._by_topics:
            if done & topics == topics:
                done |= lesson
        return done

    def measure(self, done: int) -> Standing:
        """Return where somebody stands who completed these."""
        required = (done & self.required).bit_count()
        weight = sum(each * (done & found).bit_count() for each, found in self._weights)
        return Standing(
            completed=(done & self._lessons).bit_count(),
            required_completed=required,
            weight=weight,
            percent=self.outline.percent(weight),
            is_fulfilled=self.outline.is_finished(required=required, weight=weight),
        )


@dataclass(frozen=True, slots=True)
class Carried:
    """What becomes of one learner's completed lessons; sets of bits.

    Attributes:
        after: completed lessons, those before among them: a record is never taken away.
        lost: completed, shown before and no more, and nothing was given for them.
        new: to be done, and not asked for before.
    """

    after: int
    lost: int
    new: int


@dataclass(frozen=True, slots=True)
class _BitRule:
    sources: int
    targets: int
    needs_all: bool


@dataclass
class Plan:
    """A move from one version to another, with what was decided for lessons whose lineage doesn't tell.

    Attributes:
        lineages: of the lessons and topics of both versions; a lesson's bit is its place here. Given when
            sets are read that were kept by another list.
    """

    before: Outline
    after: Outline
    rules: tuple[MapRule, ...]
    lineages: list[str] = field(default_factory=list)
    places: dict[str, int] = field(init=False)
    old: Yardstick = field(init=False)
    new: Yardstick = field(init=False)

    def __post_init__(self) -> None:
        self.lineages = list(dict.fromkeys([*self.lineages, *shown_in(self.after), *shown_in(self.before)]))
        self.places = {lineage: place for place, lineage in enumerate(self.lineages)}
        self.old = Yardstick(self.before, self.places)
        self.new = Yardstick(self.after, self.places)
        self._rules = [
            _BitRule(
                _mask(self.places, rule.sources),
                _mask(self.places, rule.targets),
                needs_all=rule.when != "any",
            )
            for rule in self.rules
            if rule.targets
        ]
        self._given = 0
        for each in self._rules:
            self._given |= each.targets

    def carry(self, done: int) -> Carried:
        """Return what becomes of a learner who has completed these."""
        after, paid = done, 0
        for rule in self._rules:
            found = done & rule.sources
            if found and (found == rule.sources or not rule.needs_all):
                after |= rule.targets
                paid |= found
        after = self.new.with_finished_topics(after)
        lost = done & self.old.shown & ~self.new.shown & ~paid
        added = self.new.shown & ~self.old.shown & ~self._given
        asked = self.new.required & self.old.shown & ~self.old.required
        return Carried(after=after, lost=lost, new=(added | asked) & ~after)

    def bits(self, places: Iterable[int]) -> int:
        """Return the set of these places."""
        marks = bytearray(len(self.lineages) // 8 + 1)
        for place in places:
            marks[place >> 3] |= 1 << (place & 7)
        return int.from_bytes(marks, "little")

    def named(self, found: int) -> list[str]:
        """Return the lineages in a set."""
        return [self.lineages[place] for place in members(found)]


def members(found: int) -> Iterator[int]:
    """Yield the places in the set, rising."""
    while found:
        low = found & -found
        yield low.bit_length() - 1
        found ^= low


def shown_in(outline: Outline) -> list[str]:
    """Return the lineages of the lessons and topics that learners meet in the version, in order."""
    return [lineage for lineage, unit in outline.units.items() if unit.level != MODULE]


def _mask(places: Mapping[str, int], lineages: Iterable[str]) -> int:
    found = 0
    for lineage in lineages:
        found |= 1 << places[lineage]
    return found
