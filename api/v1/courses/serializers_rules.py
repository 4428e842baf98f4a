"""Shapes of rules: when a unit opens, by when it is due, what completes a course."""

from typing import Any

from rest_framework import serializers

from tenant_apps.courses.content.rules import COMPLETIONS, MAX_DAYS, MAX_REQUIRES, TIME_RULES, ZONES


class TimeRule(serializers.Serializer[Any]):
    """When something opens, or by when it is due.

    `days`: that many after the attempt's start, in the learner's zone, at `at` or the same time of day.
    `date`: the wall time `local`, in the learner's or the run's zone. `after`: `days` after `unit`, the
    lineage of a module, lesson or topic, was completed.
    """

    kind = serializers.ChoiceField(choices=TIME_RULES)
    days = serializers.IntegerField(min_value=0, max_value=MAX_DAYS, required=False)
    at = serializers.CharField(max_length=5, required=False, help_text="HH:MM; for days.")
    local = serializers.CharField(max_length=16, required=False, help_text="YYYY-MM-DDTHH:MM; for date.")
    zone = serializers.ChoiceField(choices=ZONES, required=False, help_text="For date.")
    unit = serializers.UUIDField(required=False, help_text="Lineage; for after.")


class UnitRules(serializers.Serializer[Any]):
    """The rules of a module, lesson or topic."""

    release = TimeRule(required=False, allow_null=True)
    requires = serializers.ListField(
        child=serializers.UUIDField(),
        max_length=MAX_REQUIRES,
        required=False,
        help_text="Lineages of what must be completed first.",
    )
    due = TimeRule(required=False, allow_null=True)


class CompletionRule(serializers.Serializer[Any]):
    """What completes the course; `percent` for the kind of that name."""

    kind = serializers.ChoiceField(choices=COMPLETIONS)
    percent = serializers.IntegerField(min_value=1, max_value=100, required=False)


class VersionRulesIn(serializers.Serializer[Any]):
    """Rules of a whole version; what is left out has its default: any order, all required lessons."""

    sequential = serializers.BooleanField(required=False)
    completion = CompletionRule(required=False)
