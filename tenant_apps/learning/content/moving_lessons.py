"""How the lessons of two versions relate, as the dry run tells it."""

from typing import Any

from tenant_apps.learning.content.mapping import MapRule
from tenant_apps.learning.content.moving import Plan, shown_in
from tenant_apps.learning.types import LESSON, Outline, Unit

SAME, MOVED, REMOVED, ADDED = "same", "moved", "removed", "added"


def lesson_changes(plan: Plan) -> list[dict[str, Any]]:
    """Return what becomes of each lesson and topic, those left out that are the same in every respect.

    First the version moved to, in its order, then what is in it no more. `change` is one of "same" (with
    another weight, or required or not), "moved" (to another module or lesson), "added", "removed", or the
    kind of the mapping's rule; `to` lists what stands for a lesson that was mapped.
    """
    by_source: dict[str, MapRule] = {}
    by_target: dict[str, MapRule] = {}
    for rule in plan.rules:
        for lineage in rule.sources:
            by_source.setdefault(lineage, rule)
        for lineage in rule.targets:
            by_target[lineage] = rule
    found = []
    old, new = set(shown_in(plan.before)), set(shown_in(plan.after))
    for lineage in plan.lineages:
        unit = plan.after.units.get(lineage) if lineage in new else None
        was = plan.before.units.get(lineage) if lineage in old else None
        rule_here = by_source.get(lineage) if was else by_target.get(lineage)
        change = _change(unit, was, rule_here, plan)
        row = _row(lineage, unit, was, change, rule_here, plan)
        differs = any(row[f"{fact}_before"] != row[f"{fact}_after"] for fact in ("required", "weight"))
        if change != SAME or differs:
            found.append(row)
    return found


def _change(unit: Unit | None, was: Unit | None, rule: MapRule | None, plan: Plan) -> str:
    if rule is not None:
        return rule.kind
    if unit is None:
        return REMOVED
    if was is None:
        return ADDED
    return SAME if (was.level, was.parent) == (unit.level, unit.parent) else MOVED


def _row(
    lineage: str, unit: Unit | None, was: Unit | None, change: str, rule: MapRule | None, plan: Plan
) -> dict[str, Any]:
    shown = unit or was
    return {
        "lineage": lineage,
        "title": shown.title if shown else "",
        "level": shown.level if shown else LESSON,
        "change": change,
        "to": list(rule.targets) if rule is not None and was is not None else [],
        "required_before": None if was is None else _required(plan.before, was),
        "required_after": None if unit is None else _required(plan.after, unit),
        "weight_before": None if was is None else was.weight,
        "weight_after": None if unit is None else unit.weight,
    }


def _required(outline: Outline, unit: Unit) -> bool:
    """Return what counts: in a version where no lesson is required, all are."""
    return unit.lineage in outline.required if unit.level == LESSON else unit.is_required
