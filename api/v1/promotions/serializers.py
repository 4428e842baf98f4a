"""Shapes of promotion codes."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from api.core.money import MoneyOut, money
from api.core.prices import CURRENCIES
from billing.enums import Duration
from billing.models import Promotion
from billing.money import MOST_MINOR


class PromotionFilter(serializers.Serializer[Any]):
    """Query of the list."""

    is_active = serializers.BooleanField(required=False, allow_null=True, default=None)


class MoneyIn(serializers.Serializer[Any]):
    """A sum."""

    amount_minor = serializers.IntegerField(min_value=1, max_value=MOST_MINOR)
    currency = serializers.ChoiceField(choices=CURRENCIES)


class PromotionIn(serializers.Serializer[Any]):
    """A new code: `percent` or `amount`."""

    code = serializers.RegexField(
        r"^[A-Za-z0-9_-]{3,40}$", max_length=40, help_text="As people type it; kept in capitals."
    )
    percent = serializers.IntegerField(min_value=1, max_value=100, required=False, allow_null=True)
    amount = MoneyIn(required=False, allow_null=True)
    duration = serializers.ChoiceField(choices=Duration.choices, default=Duration.ONCE)
    months = serializers.IntegerField(
        min_value=1, max_value=36, required=False, allow_null=True, help_text="With `repeating`."
    )
    plan = serializers.UUIDField(
        required=False, allow_null=True, help_text="The only plan it lowers; absent for all."
    )
    max_redemptions = serializers.IntegerField(
        min_value=1, max_value=1_000_000, required=False, allow_null=True
    )
    expires_at = serializers.DateTimeField(required=False, allow_null=True)


class PromotionOut(serializers.ModelSerializer[Promotion]):
    """One promotion code."""

    plan = serializers.UUIDField(source="plan_id", allow_null=True)
    amount = serializers.SerializerMethodField()
    duration = serializers.ChoiceField(choices=Duration.choices)
    is_at_gateway = serializers.SerializerMethodField(help_text="Whether it works already.")

    class Meta:
        model = Promotion
        fields = (
            "id",
            "code",
            "plan",
            "percent",
            "amount",
            "duration",
            "months",
            "max_redemptions",
            "expires_at",
            "is_active",
            "is_at_gateway",
            "created_at",
        )

    @extend_schema_field(MoneyOut(allow_null=True))
    def get_amount(self, promotion: Promotion) -> dict[str, Any] | None:
        """Return the sum it takes off, where it is no percentage."""
        if promotion.amount_minor is None:
            return None
        return money(promotion.amount_minor, promotion.currency)

    def get_is_at_gateway(self, promotion: Promotion) -> bool:
        """Tell whether the gateway has it."""
        return promotion.gateway_ref is not None
