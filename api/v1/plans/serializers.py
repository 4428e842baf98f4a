"""Shapes of the plans slice."""

from typing import Any

import orjson
from rest_framework import serializers

from billing.models import Plan

MOST_SEATS = 1_000_000


class PlanFilter(serializers.Serializer[Any]):
    """Query of the list."""

    is_active = serializers.BooleanField(required=False, allow_null=True, default=None)


class PlanChanges(serializers.Serializer[Any]):
    """What can be changed on a plan."""

    name = serializers.CharField(max_length=100)
    description = serializers.CharField(max_length=500, required=False, allow_blank=True)
    features = serializers.DictField(
        child=serializers.JSONField(), required=False, help_text="Free-form facts shown with the plan."
    )
    min_seats = serializers.IntegerField(min_value=1, max_value=MOST_SEATS, required=False)
    max_seats = serializers.IntegerField(min_value=1, max_value=MOST_SEATS, required=False)
    trial_days = serializers.IntegerField(min_value=0, max_value=365, required=False)

    def validate_features(self, value: dict[str, Any]) -> dict[str, Any]:
        """Refuse the one character that PostgreSQL stores in no text, wherever in the document it is."""
        if b"\\u0000" in orjson.dumps(value):
            raise serializers.ValidationError("Null characters are not allowed.", code="null_characters")
        return value


class PlanIn(PlanChanges):
    """A new plan."""

    code = serializers.SlugField(max_length=40)


class PlanOut(serializers.ModelSerializer[Plan]):
    """One plan."""

    features = serializers.DictField(child=serializers.JSONField())

    class Meta:
        model = Plan
        fields = (
            "id",
            "code",
            "name",
            "description",
            "features",
            "min_seats",
            "max_seats",
            "trial_days",
            "is_active",
            "created_at",
            "updated_at",
        )
