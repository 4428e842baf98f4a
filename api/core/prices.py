"""Shapes of what is sold, shown to everybody before a sign-up and to administrators after it."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from api.core.money import MoneyOut, money
from billing.enums import Interval, TaxBehavior
from billing.models import Plan, PlanPrice
from billing.money import STRIPE

CURRENCIES = tuple(sorted(code.upper() for code in STRIPE))


class PriceFilter(serializers.Serializer[Any]):
    """Query of a price list."""

    currency = serializers.ChoiceField(choices=CURRENCIES, required=False)


class SoldPriceOut(serializers.ModelSerializer[PlanPrice]):
    """What a seat costs for one period."""

    interval = serializers.ChoiceField(choices=Interval.choices)
    unit = serializers.SerializerMethodField(help_text="For one seat and period.")
    tax_behavior = serializers.ChoiceField(choices=TaxBehavior.choices)

    class Meta:
        model = PlanPrice
        fields = ("id", "interval", "unit", "tax_behavior")

    @extend_schema_field(MoneyOut)
    def get_unit(self, price: PlanPrice) -> dict[str, Any]:
        """Return the sum for one seat."""
        return money(price.unit_minor, price.currency)


class SoldPlanOut(serializers.ModelSerializer[Plan]):
    """A plan that can be bought."""

    features = serializers.DictField(child=serializers.JSONField())
    prices = SoldPriceOut(many=True, source="sold")

    class Meta:
        model = Plan
        fields = (
            "code",
            "name",
            "description",
            "features",
            "min_seats",
            "max_seats",
            "trial_days",
            "prices",
        )
