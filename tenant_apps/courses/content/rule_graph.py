"""Whether the rules of a version can be kept: the units they name are there, and none waits for itself."""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from tenant_apps.courses.content.rules import TimeRule, units_named


@dataclass(frozen=True, slots=True)
class RuledUnit:
    """A module, lesson or topic with its rules. `parent` is the lineage of what it is in, None for a module;
    `is_shown` says whether learners meet it."""

    lineage: uuid.UUID
    parent: uuid.UUID | None
    is_shown: bool
    is_required: bool
    release: TimeRule | None
    requires: tuple[uuid.UUID, ...]
    due: TimeRule | None


@dataclass(frozen=True, slots=True)
class RuleProblem:
    """A rule that cannot be kept: of which unit, in which field ("release", "requires" or "due"), and why."""

    lineage: uuid.UUID
    field: str
    code: str


UNIT_MISSING: Final = "rule_unit_missing"
CYCLE: Final = "rule_cycle"

# Something that comes to pass: that a unit opens, or that it is completed.
_Event = tuple[str, uuid.UUID]


def rule_problems(units: Sequence[RuledUnit], *, sequential: bool = False) -> Iterator[RuleProblem]:
    """Yield what is wrong with the rules of a version.

    Args:
        units: modules, lessons and topics in teaching order, each behind what it is in.
        sequential: lessons open one after another.
    """
    present = {unit.lineage for unit in units}
    for unit in units:
        for field, named in units_named(unit.release, unit.requires, unit.due).items():
            if any(each not in present for each in named):
                yield RuleProblem(unit.lineage, field, UNIT_MISSING)
    shown = [unit for unit in units if unit.is_shown]
    for lineage in _waiting_for_themselves(_waits(shown, sequential), shown):
        yield RuleProblem(lineage, "requires", CYCLE)


def _waits(units: Sequence[RuledUnit], sequential: bool) -> dict[_Event, list[_Event]]:
    """Return what each event waits for. What learners never meet is waited for by nobody."""
    waits: dict[_Event, list[_Event]] = defaultdict(list)
    inside: dict[uuid.UUID, list[RuledUnit]] = defaultdict(list)
    shown = {unit.lineage for unit in units}
    modules = {unit.lineage for unit in units if unit.parent is None}
    before: RuledUnit | None = None
    for unit in units:
        opens, done = ("opens", unit.lineage), ("done", unit.lineage)
        waits[done].append(opens)
        if unit.parent is not None:
            inside[unit.parent].append(unit)
            waits[opens].append(("opens", unit.parent))
        named = units_named(unit.release, unit.requires, None)
        for each in (*named["release"], *named["requires"]):
            if each in shown:
                waits[opens].append(("done", each))
        if sequential and unit.parent in modules:
            if before is not None:
                waits[opens].append(("done", before.lineage))
            before = unit if unit.is_required else before
    for parent, children in inside.items():
        taken = [child for child in children if child.is_required] or (children if parent in modules else [])
        waits["done", parent] += [("done", child.lineage) for child in taken]
    return waits


def _waiting_for_themselves(
    waits: dict[_Event, list[_Event]], units: Iterable[RuledUnit]
) -> Iterator[uuid.UUID]:
    """Yield the units that can never open or be completed, in order: take away whatever can come to pass,
    and what is left waits in a circle. Only those with a rule of their own are named."""
    left = {event: set(needed) for event, needed in waits.items()}
    waited_by: dict[_Event, list[_Event]] = defaultdict(list)
    for event, needed in left.items():
        for each in needed:
            waited_by[each].append(event)
    free = [each for each in {*left, *waited_by} if not left.get(each)]
    while free:
        event = free.pop()
        for other in waited_by[event]:
            left[other].discard(event)
            if not left[other]:
                free.append(other)
    stuck = {event for event, needed in left.items() if needed}
    for unit in units:
        named = units_named(unit.release, unit.requires, None)
        if any(("done", each) in stuck for each in (*named["release"], *named["requires"])):
            yield unit.lineage
