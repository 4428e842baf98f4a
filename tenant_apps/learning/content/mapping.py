"""What was decided for lessons that are not simply the same in the other version.

In JSON a list of rules, each `{"kind", "from", "to", "when"}` with lineages:

- split: one lesson became several; whoever completed it has completed each of them.
- merged: several became one; completed by whoever completed "all" (or "any") of them.
- replaced: one stands for another.
- removed: gone on purpose; nothing is given for it, as without a rule.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from tenant_apps.learning.errors import MappingRefused

MAX_RULES: Final = 1_000
MAX_LINEAGES: Final = 200
KINDS: Final = ("split", "merged", "replaced", "removed")


@dataclass(frozen=True, slots=True)
class MapRule:
    """One decision. `when` is "all" or "any", of the sources of a merged lesson."""

    kind: str
    sources: tuple[str, ...]
    targets: tuple[str, ...]
    when: str = "all"

    def plain(self) -> dict[str, Any]:
        """Return its JSON form."""
        return {
            "kind": self.kind,
            "from": list(self.sources),
            "to": list(self.targets),
            "when": self.when,
        }


def parse_mapping(
    mapping: Sequence[Mapping[str, Any]],
    *,
    before: Collection[str],
    after: Collection[str],
) -> tuple[MapRule, ...]:
    """Return the rules, checked against the lessons of both versions.

    Args:
        mapping: rules as the API takes them, of known kinds, their lineages read already.
        before: lineages that learners meet in the version they leave.
        after: those they will meet.

    Raises:
        MappingRefused: with the field and the reason: an unknown lineage, a lesson mapped twice in
            contradiction, a circle, or a number of lessons that is none of the rule's kind.
    """
    rules = []
    for number, given in enumerate(mapping):
        rule = MapRule(
            kind=str(given["kind"]),
            sources=tuple(dict.fromkeys(map(str, given["from"]))),
            targets=tuple(dict.fromkeys(map(str, given.get("to") or ()))),
            when=str(given.get("when") or "all"),
        )
        _check_shape(rule, f"mapping.{number}", after)
        _check_known(rule, f"mapping.{number}", before, after)
        rules.append(rule)
    _check_contradictions(rules)
    _check_circles(rules)
    return tuple(rules)


def _check_shape(rule: MapRule, field: str, after: Collection[str]) -> None:
    sources, targets = len(rule.sources), len(rule.targets)
    fits = {
        "split": sources == 1 and targets >= 2,
        "merged": sources >= 2 and targets == 1,
        "replaced": sources == 1 and targets == 1 and rule.sources != rule.targets,
        "removed": sources >= 1 and targets == 0,
    }[rule.kind]
    if not fits:
        raise MappingRefused(field=field, reason="mapping_count", kind=rule.kind, sources=sources, to=targets)
    if rule.kind == "removed":
        kept = [each for each in rule.sources if each in after]
        if kept:
            raise MappingRefused(field=f"{field}.from", reason="mapping_not_removed", lineage=kept[0])


def _check_known(rule: MapRule, field: str, before: Collection[str], after: Collection[str]) -> None:
    for name, given, known in (("from", rule.sources, before), ("to", rule.targets, after)):
        unknown = [each for each in given if each not in known]
        if unknown:
            raise MappingRefused(field=f"{field}.{name}", reason="mapping_unknown", lineage=unknown[0])


def _check_contradictions(rules: Sequence[MapRule]) -> None:
    """A lesson is given for one thing, and is either gone, or one other, or several; merged it may be too."""
    given: dict[str, int] = {}
    decided: dict[str, int] = {}
    merged: dict[str, int] = {}
    for number, rule in enumerate(rules):
        for lineage in rule.targets:
            if given.setdefault(lineage, number) != number:
                _twice(number, "to", lineage, given[lineage])
        for lineage in rule.sources:
            if rule.kind == "merged":
                merged[lineage] = number
            elif decided.setdefault(lineage, number) != number:
                _twice(number, "from", lineage, decided[lineage])
    for number, rule in enumerate(rules):
        for lineage in rule.sources if rule.kind == "removed" else ():
            if lineage in merged:
                _twice(number, "from", lineage, merged[lineage])


def _twice(number: int, name: str, lineage: str, other: int) -> NoReturn:
    field = f"mapping.{number}.{name}"
    raise MappingRefused(field=field, reason="mapping_twice", lineage=lineage, other=f"mapping.{other}")


def _check_circles(rules: Sequence[MapRule]) -> None:
    """Refuse A for B while B is for A; a lesson that is split and goes on under its own lineage is none."""
    ways: dict[str, set[str]] = {}
    for rule in rules:
        for source in rule.sources:
            ways.setdefault(source, set()).update(each for each in rule.targets if each != source)
    cleared: set[str] = set()
    for start in ways:
        _walk(start, ways, cleared)


def _walk(start: str, ways: Mapping[str, set[str]], cleared: set[str]) -> None:
    path: dict[str, list[str]] = {start: list(ways.get(start, ()))}
    while path:
        here, left = next(reversed(path.items()))
        if not left:
            cleared.add(here)
            path.popitem()
            continue
        there = left.pop()
        if there in path:
            raise MappingRefused(field="mapping", reason="mapping_circle", lineage=there)
        if there not in cleared:
            path[there] = list(ways.get(there, ()))
