"""Rules in a course folder: written for people, read into the JSON of `content.rules`.

Units are named by key: `water` is a lesson or topic of that key, else the module; `module:basics` and
`lesson:water` say which.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from tenant_apps.courses.content.folder_fields import FieldReader, Fields
from tenant_apps.courses.content.marked_yaml import YamlValue
from tenant_apps.courses.content.problems import Problems, did_you_mean
from tenant_apps.courses.content.rules import (
    MAX_DAYS,
    parse_time_rule,
    parse_version_rules,
    time_rule_json,
    version_rules_json,
)
from tenant_apps.courses.content.source import RulesSource
from tenant_apps.courses.errors import RuleRefused

RULE_KEYS: Final = ("release", "requires", "due")
_TIME_KEYS: Final = ("days", "at", "date", "zone", "after")
# Stands for a unit while the rest of a rule is checked.
_SOME_UNIT: Final = str(uuid.UUID(int=0))


@dataclass(slots=True)
class KnownKeys:
    """The keys of a folder, gathered before anything is read, since rules may look ahead."""

    modules: set[str] = field(default_factory=set)
    lessons: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, modules: YamlValue) -> "KnownKeys":
        """Return the keys under `modules:`, whatever else is wrong there."""
        known = cls()
        for module in _entries(modules):
            known.modules.add(_key_of(module))
            for lesson in _entries(_value_of(module, "lessons")):
                known.lessons.add(_key_of(lesson))
                known.lessons.update(_key_of(topic) for topic in _entries(_value_of(lesson, "topics")))
        return known

    def reference(self, text: str) -> str | None:
        """Return "module:KEY" or "lesson:KEY", None when there is no such unit."""
        kind, colon, key = text.rpartition(":")
        if not colon:
            kind = "lesson" if key in self.lessons else "module"
        known = {"module": self.modules, "lesson": self.lessons}.get(kind, set())
        return f"{kind}:{key}" if key in known else None


@dataclass(slots=True)
class RuleReader:
    """Reads release, requires and due of modules and lessons, and the rules of the version."""

    fields: FieldReader
    problems: Problems
    known: KnownKeys

    def rules(self, fields: Fields) -> RulesSource:
        """Return the rules among the fields of a module or lesson."""
        requires = fields.get("requires")
        named = [] if requires is None else requires.items("requires", self.problems, may_be_empty=True)
        found = [reference for each in named if (reference := self._reference(each, "requires"))]
        return RulesSource(
            release=self._time(fields.get("release"), "release"),
            requires=tuple(dict.fromkeys(found)),
            due=self._time(fields.get("due"), "due"),
        )

    def version_rules(self, value: YamlValue | None) -> dict[str, Any]:
        """Return the rules of the version in their one JSON form."""
        fields = (
            None if value is None else value.mapping("'rules'", ("sequential", "completion"), self.problems)
        )
        if value is None or not fields:
            return {}
        rules: dict[str, Any] = {"sequential": self.fields.flag(fields, "sequential", default=False)}
        if "completion" in fields:
            rules["completion"] = self._completion(fields["completion"])
        return version_rules_json(parse_version_rules(rules))

    def _completion(self, value: YamlValue) -> dict[str, Any]:
        if value.is_mapping:
            percent = value.mapping("'completion'", ("percent",), self.problems) or {}
            number = self.fields.number(percent, "percent", low=1, high=100, default=100)
            return {"kind": "percent", "percent": number}
        return {"kind": self.fields.choice(value, "completion", ("all_required", "manual"))}

    def _time(self, value: YamlValue | None, name: str) -> Mapping[str, Any] | None:
        fields = None if value is None else value.mapping(f"'{name}'", _TIME_KEYS, self.problems)
        if value is None or not fields:
            return None
        days = self.fields.number(fields, "days", low=0, high=MAX_DAYS, default=0)
        unit = None
        rule: dict[str, Any]
        if "after" in fields:
            unit = self._reference(fields["after"], "after")
            rule = {"kind": "after", "unit": _SOME_UNIT, "days": days}
        elif "date" in fields:
            rule = {"kind": "date", "local": fields["date"].text("date", self.problems) or ""}
            if "zone" in fields:
                rule["zone"] = self.fields.choice(fields["zone"], "zone", ("learner", "run"))
        else:
            rule = {"kind": "days", "days": days}
            if "at" in fields:
                rule["at"] = fields["at"].text("at", self.problems) or ""
        try:
            clean = time_rule_json(parse_time_rule(rule, field=name))
        except RuleRefused:
            message = f"'{name}' is no rule that can be kept."
            advice = "Write {days: 3, at: '09:00'}, {date: 2026-03-29T09:00, zone: run} or {after: a-key}."
            self.problems.add(value.place, "rule_invalid", message, advice)
            return None
        return clean if clean is None or "unit" not in clean else {**clean, "unit": unit or ""}

    def _reference(self, value: YamlValue, name: str) -> str | None:
        text = value.text(name, self.problems)
        if text is None:
            return None
        found = self.known.reference(text)
        if found is None:
            advice = did_you_mean(text, self.known.lessons | self.known.modules, "Use a key of this course.")
            self.problems.add(value.place, "reference_unknown", f"There is no unit '{text}'.", advice)
        return found


def _entries(value: YamlValue | None) -> list[YamlValue]:
    return [] if value is None else value.items("", Problems(), may_be_empty=True)


def _value_of(value: YamlValue, name: str) -> YamlValue | None:
    pairs = value.pairs("", Problems()) if value.is_mapping else []
    return next((each for key, each in pairs if key.text("", Problems()) == name), None)


def _key_of(value: YamlValue) -> str:
    key = _value_of(value, "key")
    return "" if key is None else key.text("key", Problems()) or ""
