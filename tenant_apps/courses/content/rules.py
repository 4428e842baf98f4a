"""Rules of a version: when a unit opens, what must be done before it, by when it is due, what completes.

They are JSON in the rows of modules, lessons and versions, and frozen with them. This module alone knows
their form: authors' input is parsed here, and whoever decides reads the dataclasses. A unit is a module, a
lesson or a topic, named by its lineage.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any, Final, Literal, assert_never

from tenant_apps.courses.errors import RuleRefused

TIME_RULES: Final = ("days", "date", "after")
ZONES: Final = ("learner", "run")
COMPLETIONS: Final = ("all_required", "percent", "manual")
MAX_DAYS: Final = 3_650
MAX_REQUIRES: Final = 50


@dataclass(frozen=True, slots=True)
class AfterDays:
    """`days` after the attempt's start, counted in the learner's zone; at that wall time, else at the same
    time of day."""

    days: int
    at: time | None = None


@dataclass(frozen=True, slots=True)
class OnDate:
    """A wall time (without zone) in the learner's or the run's zone."""

    local: datetime
    zone: Literal["learner", "run"] = "learner"


@dataclass(frozen=True, slots=True)
class AfterUnit:
    """`days` after the unit of that lineage was completed."""

    unit: uuid.UUID
    days: int = 0


TimeRule = AfterDays | OnDate | AfterUnit


@dataclass(frozen=True, slots=True)
class Completion:
    """What completes the course: every required lesson, `percent` of the weight, or somebody by hand."""

    kind: Literal["all_required", "percent", "manual"] = "all_required"
    percent: int = 100


@dataclass(frozen=True, slots=True)
class VersionRules:
    """Rules of a whole version; `sequential`: each lesson opens with the one before it completed."""

    sequential: bool = False
    completion: Completion = Completion()


def parse_time_rule(value: object, *, field: str) -> TimeRule | None:
    """Read a release or due rule from its JSON form; None for none.

    Raises:
        RuleRefused: not such a form; `field` names the place and `reason` what is wrong.
    """
    if value is None:
        return None
    facts = _object(value, field)
    match facts.get("kind"):
        case "days":
            _only(facts, {"kind", "days", "at"}, field)
            return AfterDays(_days(facts, field), _at(facts.get("at"), field))
        case "date":
            _only(facts, {"kind", "local", "zone"}, field)
            zone = facts.get("zone", "learner")
            if zone not in ZONES:
                raise RuleRefused(field=f"{field}.zone", reason="rule_zone", allowed=list(ZONES))
            return OnDate(_local(facts.get("local"), field), zone)
        case "after":
            _only(facts, {"kind", "unit", "days"}, field)
            return AfterUnit(_lineage(facts.get("unit"), f"{field}.unit"), _days(facts, field, default=0))
    raise RuleRefused(field=f"{field}.kind", reason="rule_kind", allowed=list(TIME_RULES))


def time_rule_json(rule: TimeRule | None) -> dict[str, Any] | None:
    """Return the one JSON form of the rule."""
    match rule:
        case None:
            return None
        case AfterDays(days, at):
            return {"kind": "days", "days": days} | ({} if at is None else {"at": at.strftime("%H:%M")})
        case OnDate(local, zone):
            return {"kind": "date", "local": local.strftime("%Y-%m-%dT%H:%M"), "zone": zone}
        case AfterUnit(unit, days):
            return {"kind": "after", "unit": str(unit), "days": days}
        case _:
            assert_never(rule)


def parse_requires(value: object, *, field: str = "requires") -> tuple[uuid.UUID, ...]:
    """Read the units that must be completed first, each once, in the order given.

    Raises:
        RuleRefused: no list of lineages, or too many.
    """
    if not isinstance(value, list):
        raise RuleRefused(field=field, reason="rule_not_a_list")
    if len(value) > MAX_REQUIRES:
        raise RuleRefused(field=field, reason="rule_too_many", limit=MAX_REQUIRES)
    return tuple(dict.fromkeys(_lineage(each, f"{field}.{place}") for place, each in enumerate(value)))


def parse_version_rules(value: object, *, field: str = "rules") -> VersionRules:
    """Read the rules of a version; what is left out has its default.

    Raises:
        RuleRefused: see `parse_time_rule`.
    """
    facts = _object(value, field)
    _only(facts, {"sequential", "completion"}, field)
    sequential = facts.get("sequential", False)
    if not isinstance(sequential, bool):
        raise RuleRefused(field=f"{field}.sequential", reason="rule_not_a_boolean")
    return VersionRules(sequential, _completion(facts.get("completion"), f"{field}.completion"))


def version_rules_json(rules: VersionRules) -> dict[str, Any]:
    """Return the one JSON form; {} where everything has its default."""
    found: dict[str, Any] = {}
    if rules.sequential:
        found["sequential"] = True
    if rules.completion.kind == "percent":
        found["completion"] = {"kind": "percent", "percent": rules.completion.percent}
    elif rules.completion.kind != "all_required":
        found["completion"] = {"kind": rules.completion.kind}
    return found


def units_named(
    release: TimeRule | None, requires: tuple[uuid.UUID, ...], due: TimeRule | None
) -> dict[str, tuple[uuid.UUID, ...]]:
    """Return the lineages that the rules of a unit name, by the field that names them."""
    return {
        "release": (release.unit,) if isinstance(release, AfterUnit) else (),
        "requires": requires,
        "due": (due.unit,) if isinstance(due, AfterUnit) else (),
    }


def _completion(value: object, field: str) -> Completion:
    if value is None:
        return Completion()
    facts = _object(value, field)
    match facts.get("kind"):
        case "all_required":
            _only(facts, {"kind"}, field)
            return Completion()
        case "manual":
            _only(facts, {"kind"}, field)
            return Completion("manual")
        case "percent":
            _only(facts, {"kind", "percent"}, field)
            return Completion("percent", _whole(facts.get("percent"), f"{field}.percent", least=1, most=100))
    raise RuleRefused(field=f"{field}.kind", reason="rule_kind", allowed=list(COMPLETIONS))


def _object(value: object, field: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise RuleRefused(field=field, reason="rule_not_an_object")
    return value


def _only(facts: Mapping[str, Any], known: set[str], field: str) -> None:
    unknown = sorted(str(key)[:100] for key in set(facts) - known)
    if unknown:
        raise RuleRefused(field=f"{field}.{unknown[0]}", reason="rule_key_unknown", known=sorted(known))


def _days(facts: Mapping[str, Any], field: str, default: int | None = None) -> int:
    return _whole(facts.get("days", default), f"{field}.days", least=0, most=MAX_DAYS)


def _whole(value: object, field: str, *, least: int, most: int) -> int:
    # True is an int to Python, and no number of days to an author.
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise RuleRefused(field=field, reason="rule_number", least=least, most=most)
    return value


def _at(value: object, field: str) -> time | None:
    if value is None:
        return None
    try:
        return datetime.strptime(str(value), "%H:%M").time()  # noqa: DTZ007  a wall time has no zone
    except ValueError:
        raise RuleRefused(field=f"{field}.at", reason="rule_time", form="HH:MM") from None


def _local(value: object, field: str) -> datetime:
    try:
        local = datetime.strptime(str(value), "%Y-%m-%dT%H:%M")  # noqa: DTZ007  a wall time has no zone
    except ValueError:
        raise RuleRefused(field=f"{field}.local", reason="rule_time", form="YYYY-MM-DDTHH:MM") from None
    # Far enough from both ends of the calendar for any zone and any number of days.
    if not 2000 <= local.year <= 2200:
        raise RuleRefused(field=f"{field}.local", reason="rule_time", form="YYYY-MM-DDTHH:MM")
    return local


def _lineage(value: object, field: str) -> uuid.UUID:
    if not isinstance(value, str | uuid.UUID):
        raise RuleRefused(field=field, reason="rule_unit")
    try:
        return uuid.UUID(str(value))
    except ValueError:
        raise RuleRefused(field=field, reason="rule_unit") from None
