"""Shapes of pages on which an organization subscribes."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from api.core.money import MoneyOut, money
from api.core.prices import CURRENCIES
from billing.enums import CheckoutState, Interval
from billing.models import Checkout

MOST_SEATS = 1_000_000


class CheckoutIn(serializers.Serializer[Any]):
    """What to subscribe to."""

    plan = serializers.SlugField(max_length=40, help_text="Code of the plan.")
    interval = serializers.ChoiceField(choices=Interval.choices)
    currency = serializers.ChoiceField(choices=CURRENCIES)
    seats = serializers.IntegerField(min_value=1, max_value=MOST_SEATS)
    success_url = serializers.CharField(
        max_length=1000,
        required=False,
        default="",
        allow_blank=True,
        help_text="Where the page leads to when it was gone through; on a host of your organization.",
    )
    cancel_url = serializers.CharField(
        max_length=1000,
        required=False,
        default="",
        allow_blank=True,
        help_text="Where the page leads back to; on a host of your organization.",
    )
    trial = serializers.BooleanField(
        required=False, allow_null=True, default=None, help_text="Absent: with a trial where there is one."
    )
    promotion = serializers.CharField(
        max_length=40, required=False, default="", allow_blank=True, help_text="A promotion code."
    )


class CheckoutOut(serializers.ModelSerializer[Checkout]):
    """A page at the payment gateway. It is `complete` when the gateway says so, whatever the browser did."""

    state = serializers.ChoiceField(choices=CheckoutState.choices)
    plan = serializers.CharField(source="price.plan.code")
    interval = serializers.ChoiceField(choices=Interval.choices, source="price.interval")
    unit = serializers.SerializerMethodField(help_text="For one seat and period, before discounts.")
    url = serializers.SerializerMethodField(help_text="Where to pay; null when nobody can (any more).")

    class Meta:
        model = Checkout
        fields = (
            "id",
            "state",
            "plan",
            "interval",
            "unit",
            "seats",
            "trial_days",
            "url",
            "expires_at",
            "created_at",
        )

    @extend_schema_field(MoneyOut)
    def get_unit(self, checkout: Checkout) -> dict[str, Any]:
        """Return the sum for one seat."""
        return money(checkout.price.unit_minor, checkout.price.currency)

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_url(self, checkout: Checkout) -> str | None:
        """Return the page's address while it is open."""
        return checkout.url if checkout.state == CheckoutState.OPEN else None
