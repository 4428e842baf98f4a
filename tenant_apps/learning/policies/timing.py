"""When a unit opens and by when it is due: rules of the version and dates of the run, as instants.

Days are counted in the learner's calendar, dates are wall time: `shared_apps.core.walltime` says what that
means on the days when clocks change.
"""

from datetime import datetime
from typing import assert_never

from shared_apps.core.walltime import add_days, local_text, to_instant
from tenant_apps.courses.content.rules import AfterDays, AfterUnit, OnDate, TimeRule
from tenant_apps.learning.policies.facts import Done, Facts
from tenant_apps.learning.types import MODULE, Outline, Unit


def is_done(unit: Unit, done: Done) -> bool:
    """Tell whether the unit is completed; a module is with the last of the lessons it takes."""
    if unit.level == MODULE:
        return all(each in done for each in unit.takes)
    return unit.lineage in done


def completed_at(unit: Unit, done: Done) -> datetime | None:
    """Return when the unit was completed; None when it is not."""
    if unit.level != MODULE:
        return done.at(unit.lineage)
    moments = [done.at(each) for each in unit.takes]
    known = [each for each in moments if each is not None]
    return max(known) if known and len(known) == len(moments) else None


def ancestry(outline: Outline, unit: Unit) -> list[Unit]:
    """Return the unit with what it stands in, outermost first."""
    found = [unit]
    while found[0].parent:
        found.insert(0, outline.units[found[0].parent])
    return found


def opens_at(facts: Facts, outline: Outline, unit: Unit) -> tuple[datetime | None, Unit | None]:
    """Return when the unit opens by its own rule, and what is waited for where no instant can be told yet.

    (None, None) is "no rule". What it stands in has rules of its own.
    """
    opens, _ = facts.dates.get(unit.lineage, ("", ""))
    if opens:
        return to_instant(opens, facts.timezone), None
    if unit.release is None or not facts.has_drip:
        return None, None
    return _instant(unit.release, facts, outline)


def due_at(facts: Facts, outline: Outline, unit: Unit) -> datetime | None:
    """Return by when the unit is due: by its own date, else by that of what it stands in."""
    for each in reversed(ancestry(outline, unit)):
        _, due = facts.dates.get(each.lineage, ("", ""))
        if due:
            return to_instant(due, facts.timezone)
        if each.due is not None:
            return _instant(each.due, facts, outline)[0]
    return None


def local(instant: datetime | None, facts: Facts) -> str | None:
    """Return the instant as clocks show it where the learner is, with its offset."""
    return local_text(instant, facts.zone)


def _instant(rule: TimeRule, facts: Facts, outline: Outline) -> tuple[datetime | None, Unit | None]:
    match rule:
        case AfterDays(days, at):
            start = facts.start
            if start is None:
                return None, None
            return add_days(start, days, facts.zone, at=at), None
        case OnDate(wall, zone):
            return to_instant(wall, facts.timezone if zone == "run" else facts.zone), None
        case AfterUnit(lineage, days):
            before = outline.units.get(str(lineage))
            if before is None:  # not published: nothing to wait for
                return None, None
            ended = completed_at(before, facts.done)
            if ended is None:
                return None, before
            return (add_days(ended, days, facts.zone) if days else ended), None
        case _:
            assert_never(rule)
