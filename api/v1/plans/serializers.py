"""Shapes of the plans slice."""

from typing import Any

import orjson
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from api.core.money import MoneyOut, money
from billing.enums import Interval, Overuse, TaxBehavior
from billing.models import Plan, PlanPrice
from billing.money import MOST_MINOR

MOST_SEATS = 1_000_000


class PlanFilter(serializers.Serializer[Any]):
    """Query of the list."""

    is_active = serializers.BooleanField(required=False, allow_null=True, default=None)


class PlanChanges(serializers.Serializer[Any]):
    """What can be changed on a plan."""

    name = serializers.CharField(max_length=100)
    description = serializers.CharField(max_length=500, required=False, allow_blank=True)
    features = serializers.DictField(
        child=serializers.JSONField(),
        required=False,
        help_text="What the plan allows, by the names of the entitlements: numbers or yes and no.",
    )
    min_seats = serializers.IntegerField(min_value=1, max_value=MOST_SEATS, required=False)
    max_seats = serializers.IntegerField(min_value=1, max_value=MOST_SEATS, required=False)
    trial_days = serializers.IntegerField(min_value=0, max_value=365, required=False)
    position = serializers.IntegerField(
        min_value=-1000, max_value=1000, required=False, help_text="Place in a price list, lowest first."
    )
    cooling_hours = serializers.IntegerField(
        min_value=0,
        max_value=8784,
        required=False,
        help_text="Hours somebody holds a seat at least before it moves on.",
    )
    moves_percent = serializers.IntegerField(
        min_value=0,
        max_value=10_000,
        required=False,
        allow_null=True,
        help_text="Moves in a year for each hundred seats; null for any number.",
    )
    overuse = serializers.ChoiceField(
        choices=Overuse.choices, required=False, help_text="What happens when more seats are wanted."
    )

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
    overuse = serializers.ChoiceField(choices=Overuse.choices)

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
            "position",
            "cooling_hours",
            "moves_percent",
            "overuse",
            "is_active",
            "created_at",
            "updated_at",
        )


class PlanPriceIn(serializers.Serializer[Any]):
    """A new price."""

    interval = serializers.ChoiceField(choices=Interval.choices)
    currency = serializers.RegexField(r"^[A-Z]{3}$", max_length=3, help_text="ISO 4217, upper case.")
    unit_minor = serializers.IntegerField(
        min_value=0, max_value=MOST_MINOR, help_text="For one seat and period, in minor units."
    )
    tax_behavior = serializers.ChoiceField(choices=TaxBehavior.choices, default=TaxBehavior.EXCLUSIVE)


class PlanPriceOut(serializers.ModelSerializer[PlanPrice]):
    """One price of a plan."""

    interval = serializers.ChoiceField(choices=Interval.choices)
    unit = serializers.SerializerMethodField(help_text="For one seat and period.")
    tax_behavior = serializers.ChoiceField(choices=TaxBehavior.choices)
    gateway_ref = serializers.CharField(
        allow_null=True, help_text="Its id at the gateway; null until it is there, and bought by nobody."
    )

    class Meta:
        model = PlanPrice
        fields = ("id", "interval", "unit", "tax_behavior", "is_active", "gateway_ref", "created_at")

    @extend_schema_field(MoneyOut)
    def get_unit(self, price: PlanPrice) -> dict[str, Any]:
        """Return the sum for one seat."""
        return money(price.unit_minor, price.currency)
