"""Dates that a move changes: when units open and by when they are due, for one learner, before and after."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from shared_apps.core.walltime import add_days, to_instant
from tenant_apps.courses.content.rules import AfterDays, AfterUnit, OnDate, TimeRule, time_rule_json
from tenant_apps.learning.types import Outline, Unit

OPENS, DUE = "opens", "due"


@dataclass(frozen=True, slots=True)
class ChangedRule:
    """A rule of opening or due date that becomes another; None is no rule. `units` holds (lineage, title) of
    those it changes for: courses have few rules and many lessons."""

    what: str
    before: TimeRule | None
    after: TimeRule | None
    units: tuple[tuple[str, str], ...]

    def plain(self) -> dict[str, Any]:
        """Return its JSON form."""
        return {
            "what": self.what,
            "before": time_rule_json(self.before),
            "after": time_rule_json(self.after),
            "units": [{"lineage": lineage, "title": title} for lineage, title in self.units],
        }


def changed_rules(
    before: Outline, after: Outline, *, dated: Mapping[str, tuple[str, str]], is_dripped: bool
) -> list[ChangedRule]:
    """Return the rules that differ, of every unit that the version moved to shows.

    Args:
        before, after: the two versions.
        dated: units by lineage for which the run itself sets an opening and a due date (empty for none);
            those stand before the rules of any version.
        is_dripped: whether rules of opening count in this course.
    """
    found: dict[tuple[str, TimeRule | None, TimeRule | None], list[tuple[str, str]]] = {}
    for lineage, unit in after.units.items():
        old = before.units.get(lineage)
        opens, due = dated.get(lineage, ("", ""))
        for what, is_set, counts in ((OPENS, opens, is_dripped), (DUE, due, True)):
            if is_set or not counts:
                continue
            rules = _rule(old, what), _rule(unit, what)
            if rules[0] != rules[1]:
                found.setdefault((what, *rules), []).append((lineage, unit.title))
    return [ChangedRule(*rule, tuple(units)) for rule, units in found.items()]


def _rule(unit: Unit | None, what: str) -> TimeRule | None:
    if unit is None:
        return None
    return unit.release if what == OPENS else unit.due


@dataclass
class DateBook:
    """Instants of changed rules for learners, each reckoned once for those who share zone and beginning."""

    rules: Sequence[ChangedRule]
    run_zone: str
    _known: dict[tuple[TimeRule, str, datetime | None], datetime | None] = field(default_factory=dict)

    def changes(
        self, *, zone: str, began_at: datetime | None
    ) -> Iterator[tuple[int, str | None, str | None]]:
        """Yield (place of the rule, instant before, instant after) where the two instants differ.

        A date that depends on completing another unit has no instant here; its rule is in the list.
        """
        for place, rule in enumerate(self.rules):
            before = self._instant(rule.before, zone, began_at)
            after = self._instant(rule.after, zone, began_at)
            if before != after:
                yield place, _text(before), _text(after)

    def _instant(self, rule: TimeRule | None, zone: str, began_at: datetime | None) -> datetime | None:
        if rule is None or isinstance(rule, AfterUnit):
            return None
        key = (rule, zone, began_at if isinstance(rule, AfterDays) else None)
        if key not in self._known:
            self._known[key] = _reckon(rule, zone, self.run_zone, began_at)
        return self._known[key]


def _reckon(rule: AfterDays | OnDate, zone: str, run_zone: str, began_at: datetime | None) -> datetime | None:
    """Return the instant, as `policies.timing` does for the one learner."""
    if isinstance(rule, OnDate):
        return to_instant(rule.local, zone if rule.zone == "learner" else run_zone)
    if began_at is None:
        return None
    return add_days(began_at, rule.days, zone, at=rule.at)


def _text(instant: datetime | None) -> str | None:
    return None if instant is None else instant.isoformat().replace("+00:00", "Z")
