"""What became of each module, lesson and topic from one version to another. Pure: no tables, no Django.

Units are known by lineage, which every copy keeps. `compare` says for each whether it was added, removed,
moved, renamed, or changed in its text, its content or its rules; `apply` replays that on the first version
and gives the second.
"""

import uuid
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Final, TypeAlias

# JSON: texts, numbers, flags, None, lists and objects of them.
Fact: TypeAlias = Any


class Level(StrEnum):
    """Where a unit stands in the tree."""

    MODULE = "module"
    LESSON = "lesson"
    TOPIC = "topic"


class Code(StrEnum):
    """What can have happened to a unit."""

    ADDED = "added"
    REMOVED = "removed"
    MOVED = "moved"
    RENAMED = "renamed"
    SUMMARY_CHANGED = "summary_changed"
    BODY_CHANGED = "body_changed"
    KIND_CHANGED = "kind_changed"
    CONTENT_CHANGED = "content_changed"
    RULE_CHANGED = "rule_changed"
    RESOURCE_ADDED = "resource_added"
    RESOURCE_REMOVED = "resource_removed"
    RESOURCE_CHANGED = "resource_changed"
    TRANSLATION_ADDED = "translation_added"
    TRANSLATION_REMOVED = "translation_removed"
    TRANSLATION_CHANGED = "translation_changed"


# What a difference in a fact of this name is called; another name is a change of content.
CODES: Final[Mapping[str, Code]] = {
    "title": Code.RENAMED,
    "summary": Code.SUMMARY_CHANGED,
    "body": Code.BODY_CHANGED,
    "kind": Code.KIND_CHANGED,
    **dict.fromkeys(
        (
            "release",
            "due",
            "requires",
            "is_required",
            "weight",
            "is_published",
            "is_preview",
            "is_downloadable",
            # Of a version as a whole.
            "sequential",
            "completion",
        ),
        Code.RULE_CHANGED,
    ),
}


@dataclass(frozen=True, slots=True)
class Piece:
    """A resource (named by lineage) or a translation (named by language) of a unit."""

    name: str
    facts: Mapping[str, Fact]


@dataclass(frozen=True, slots=True)
class Unit:
    """A module, lesson or topic.

    Attributes:
        lineage: what copies have in common.
        level: module, lesson or topic.
        parent: lineage of the module of a lesson, of the lesson of a topic; None for a module.
        facts: by name; "body" stands for the text (its digest), whatever its length.
        resources: in their order.
        translations: in any order.
    """

    lineage: uuid.UUID
    level: Level
    parent: uuid.UUID | None
    facts: Mapping[str, Fact]
    resources: tuple[Piece, ...] = ()
    translations: tuple[Piece, ...] = ()

    @property
    def title(self) -> str:
        """Return the title, "" when the unit has none."""
        return str(self.facts.get("title", ""))


@dataclass(frozen=True, slots=True)
class Place:
    """Under which unit (None: the version itself), and as which of its children, counted from 0."""

    parent: uuid.UUID | None
    position: int


@dataclass(frozen=True, slots=True)
class Change:
    """One difference. `field` names the fact, resource or language; a moved unit has Places."""

    code: Code
    field: str
    before: Fact
    after: Fact

    def reversed(self) -> "Change":
        """Return the change that undoes this one."""
        return Change(_OPPOSITE.get(self.code, self.code), self.field, self.after, self.before)


@dataclass(frozen=True, slots=True)
class UnitDiff:
    """What became of one unit. One of `before` and `after` is None when it was added or removed."""

    lineage: uuid.UUID
    before: Unit | None
    after: Unit | None
    before_place: Place | None
    after_place: Place | None
    changes: tuple[Change, ...]

    @property
    def codes(self) -> frozenset[Code]:
        """Return what happened; empty for a unit that is the same."""
        return frozenset(change.code for change in self.changes)

    @property
    def is_same(self) -> bool:
        """Tell whether nothing at all happened to the unit itself (its children are units of their own)."""
        return not self.changes

    @property
    def unit(self) -> Unit:
        """Return the unit as it is now, or as it last was."""
        found = self.after or self.before
        if found is None:
            raise AssertionError("a unit that is in neither version")
        return found

    def changed(self, name: str) -> Change | None:
        """Return the change of one fact such as "is_required", None when it is as it was."""
        return next((change for change in self.changes if change.field == name), None)


@dataclass(frozen=True, slots=True)
class Comparison:
    """All units of two versions: those of the second in teaching order, then the removed ones."""

    units: tuple[UnitDiff, ...]
    # Of the version as a whole.
    changes: tuple[Change, ...] = ()
    by_lineage: Mapping[uuid.UUID, UnitDiff] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        # Frozen, so through the base's door.
        object.__setattr__(self, "by_lineage", {each.lineage: each for each in self.units})

    @property
    def is_empty(self) -> bool:
        """Tell whether the versions say the same."""
        return not self.changes and all(each.is_same for each in self.units)

    def with_code(self, code: Code) -> tuple[UnitDiff, ...]:
        """Return the units that this happened to."""
        return tuple(each for each in self.units if code in each.codes)


_OPPOSITE: Final = {
    Code.ADDED: Code.REMOVED,
    Code.REMOVED: Code.ADDED,
    Code.RESOURCE_ADDED: Code.RESOURCE_REMOVED,
    Code.RESOURCE_REMOVED: Code.RESOURCE_ADDED,
    Code.TRANSLATION_ADDED: Code.TRANSLATION_REMOVED,
    Code.TRANSLATION_REMOVED: Code.TRANSLATION_ADDED,
}


def compare(
    before: Sequence[Unit],
    after: Sequence[Unit],
    *,
    rules_before: Mapping[str, Fact] | None = None,
    rules_after: Mapping[str, Fact] | None = None,
) -> Comparison:
    """Return what became of every unit. Comparing the other way round gives the mirror image.

    Args:
        before: the units of the first version; children of one parent stand in teaching order, and each
            lineage occurs once.
        after: the same of the second.
        rules_before, rules_after: what holds for the versions as a whole.
    """
    old, new = _Tree(before), _Tree(after)
    moved = _moved(old, new)
    diffs = []
    for unit in after:
        was = old.units.get(unit.lineage)
        changes = list(_changes(was, unit)) if was else [_added(unit)]
        if unit.lineage in moved:
            places = old.places[unit.lineage], new.places[unit.lineage]
            changes.insert(0, Change(Code.MOVED, "place", *places))
        diffs.append(_unit_diff(old, new, unit.lineage, changes))
    for unit in before:
        if unit.lineage not in new.units:
            removed = [Change(Code.REMOVED, "title", unit.title, None)]
            diffs.append(_unit_diff(old, new, unit.lineage, removed))
    return Comparison(tuple(diffs), tuple(_fact_changes(rules_before or {}, rules_after or {})))


def apply(before: Sequence[Unit], comparison: Comparison) -> tuple[Unit, ...]:
    """Return the units of the second version, made from those of the first and the changes alone.

    Children follow their parent. Reads of each change only what it says, so that a change that was left out
    shows in the result.
    """
    children: dict[uuid.UUID | None, list[uuid.UUID]] = defaultdict(list)
    units: dict[uuid.UUID, Unit] = {}
    for unit in before:
        diff = comparison.by_lineage[unit.lineage]
        if Code.REMOVED in diff.codes:
            continue
        units[unit.lineage] = _applied(unit, diff)
        if Code.MOVED not in diff.codes:
            children[unit.parent].append(unit.lineage)
    arriving = []
    for diff in comparison.units:
        if diff.after is not None and diff.after_place is not None and diff.codes & {Code.ADDED, Code.MOVED}:
            if Code.ADDED in diff.codes:
                units[diff.lineage] = diff.after
            arriving.append((diff.after_place.position, diff.after_place.parent, diff.lineage))
    # What stays is in the order it had and will have, so each newcomer's final place is its place on arrival.
    for position, parent, lineage in sorted(arriving, key=lambda each: each[0]):
        children[parent].insert(position, lineage)
    return tuple(_walk(children, units, None))


def longest_common_order(first: Sequence[uuid.UUID], second: Sequence[uuid.UUID]) -> frozenset[uuid.UUID]:
    """Return as many members of both sequences as can be found that stand in the same order in both.

    Whichever sequence is named first the answer is the same, so that a comparison has a mirror image.
    O(n log n), by patience sorting.
    """
    one, other = (first, second) if list(first) <= list(second) else (second, first)
    place = {lineage: position for position, lineage in enumerate(other)}
    common = [lineage for lineage in one if lineage in place]
    tails: list[int] = []
    ends: list[uuid.UUID] = []
    earlier: dict[uuid.UUID, uuid.UUID | None] = {}
    for lineage in common:
        at = bisect_left(tails, place[lineage])
        earlier[lineage] = ends[at - 1] if at else None
        tails[at : at + 1] = [place[lineage]]
        ends[at : at + 1] = [lineage]
    kept = set()
    last = ends[-1] if ends else None
    while last is not None:
        kept.add(last)
        last = earlier[last]
    return frozenset(kept)


class _Tree:
    """Units by lineage, with their places."""

    def __init__(self, units: Sequence[Unit]) -> None:
        self.units = {unit.lineage: unit for unit in units}
        self.children: dict[uuid.UUID | None, list[uuid.UUID]] = defaultdict(list)
        self.places: dict[uuid.UUID, Place] = {}
        for unit in units:
            self.places[unit.lineage] = Place(unit.parent, len(self.children[unit.parent]))
            self.children[unit.parent].append(unit.lineage)


def _moved(old: _Tree, new: _Tree) -> set[uuid.UUID]:
    """Return what has another parent, and the fewest of the others that explain the new order."""
    moved: set[uuid.UUID] = set()
    for parent, lineages in new.children.items():
        present = [each for each in lineages if each in old.units]
        staying = [each for each in present if old.units[each].parent == parent]
        same = set(staying)
        kept = longest_common_order([each for each in old.children.get(parent, ()) if each in same], staying)
        moved.update(each for each in present if each not in kept)
    return moved


def _added(unit: Unit) -> Change:
    return Change(Code.ADDED, "title", None, unit.title)


def _unit_diff(old: _Tree, new: _Tree, lineage: uuid.UUID, changes: Iterable[Change]) -> UnitDiff:
    return UnitDiff(
        lineage,
        old.units.get(lineage),
        new.units.get(lineage),
        old.places.get(lineage),
        new.places.get(lineage),
        tuple(changes),
    )


def _changes(before: Unit, after: Unit) -> Iterator[Change]:
    yield from _fact_changes(before.facts, after.facts)
    yield from _resource_changes(before.resources, after.resources)
    was = {piece.name: piece.facts for piece in before.translations}
    now = {piece.name: piece.facts for piece in after.translations}
    for name in sorted(was.keys() | now.keys()):
        if name not in was:
            yield Change(Code.TRANSLATION_ADDED, name, None, now[name])
        elif name not in now:
            yield Change(Code.TRANSLATION_REMOVED, name, was[name], None)
        elif was[name] != now[name]:
            yield Change(Code.TRANSLATION_CHANGED, name, was[name], now[name])


def _fact_changes(before: Mapping[str, Fact], after: Mapping[str, Fact]) -> Iterator[Change]:
    for name in sorted(before.keys() | after.keys()):
        was, now = before.get(name), after.get(name)
        if was != now:
            yield Change(CODES.get(name, Code.CONTENT_CHANGED), name, was, now)


def _resource_changes(before: Sequence[Piece], after: Sequence[Piece]) -> Iterator[Change]:
    """Say of each resource what differs; its place is one of its facts, told only of those that moved."""
    was = {piece.name: (at, piece.facts) for at, piece in enumerate(before)}
    now = {piece.name: (at, piece.facts) for at, piece in enumerate(after)}
    kept = longest_common_order([uuid.UUID(each) for each in was], [uuid.UUID(each) for each in now])
    for name in sorted(was.keys() | now.keys()):
        if name not in was:
            yield Change(Code.RESOURCE_ADDED, name, None, {**now[name][1], "position": now[name][0]})
        elif name not in now:
            yield Change(Code.RESOURCE_REMOVED, name, {**was[name][1], "position": was[name][0]}, None)
        elif uuid.UUID(name) not in kept:
            yield Change(
                Code.RESOURCE_CHANGED,
                name,
                {**was[name][1], "position": was[name][0]},
                {**now[name][1], "position": now[name][0]},
            )
        elif was[name][1] != now[name][1]:
            yield Change(Code.RESOURCE_CHANGED, name, dict(was[name][1]), dict(now[name][1]))


def _applied(unit: Unit, diff: UnitDiff) -> Unit:
    facts, parent, level = dict(unit.facts), unit.parent, unit.level
    translations = {piece.name: piece for piece in unit.translations}
    resources = list(unit.resources)
    arriving: list[tuple[int, Piece]] = []
    for change in diff.changes:
        match change.code:
            case Code.MOVED:
                parent = change.after.parent
                level = level if diff.after is None else diff.after.level
            case Code.TRANSLATION_ADDED | Code.TRANSLATION_CHANGED:
                translations[change.field] = Piece(change.field, change.after)
            case Code.TRANSLATION_REMOVED:
                del translations[change.field]
            case Code.RESOURCE_ADDED | Code.RESOURCE_REMOVED | Code.RESOURCE_CHANGED:
                _apply_resource(change, resources, arriving)
            case _:
                facts[change.field] = change.after
    for position, piece in sorted(arriving, key=lambda each: each[0]):
        resources.insert(position, piece)
    return replace(
        unit,
        parent=parent,
        level=level,
        facts=facts,
        resources=tuple(resources),
        translations=tuple(translations.values()),
    )


def _apply_resource(change: Change, resources: list[Piece], arriving: list[tuple[int, Piece]]) -> None:
    at = next((at for at, piece in enumerate(resources) if piece.name == change.field), None)
    if change.after is None or "position" in change.after:
        if at is not None:
            del resources[at]
    elif at is not None:
        resources[at] = Piece(change.field, change.after)
    if change.after is not None and "position" in change.after:
        facts = {name: value for name, value in change.after.items() if name != "position"}
        arriving.append((change.after["position"], Piece(change.field, facts)))


def _walk(
    children: Mapping[uuid.UUID | None, Sequence[uuid.UUID]],
    units: Mapping[uuid.UUID, Unit],
    parent: uuid.UUID | None,
) -> Iterator[Unit]:
    for lineage in children.get(parent, ()):
        yield units[lineage]
        yield from _walk(children, units, lineage)
