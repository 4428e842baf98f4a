"""Shape of where an organization's subscription stands."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from api.core.money import MoneyOut, money
from api.core.prices import SoldPriceOut
from billing.enums import AccessLevel, SubscriptionStatus
from billing.models import Subscription, SubscriptionInvoice
from billing.selectors.purchases import Overview


class SubscriptionSeatsOut(serializers.Serializer[Subscription]):
    """Seats of the subscription. What is free is what is left to give."""

    purchased = serializers.IntegerField(help_text="Seats there are now, given ones too.")
    used = serializers.IntegerField()
    free = serializers.SerializerMethodField()
    pending = serializers.IntegerField(
        source="pending_purchased", allow_null=True, help_text="Fewer seats from the next period on."
    )
    unpaid = serializers.IntegerField(
        source="unpaid_purchased", allow_null=True, help_text="A number that waits for its payment."
    )
    comped = serializers.IntegerField(help_text="Of them given, on top of those that are billed.")

    def get_free(self, subscription: Subscription) -> int:
        """Return what nobody holds."""
        return max(0, subscription.free)


class OwnSubscriptionOut(serializers.ModelSerializer[Subscription]):
    """The subscription."""

    status = serializers.ChoiceField(choices=SubscriptionStatus.choices)
    plan = serializers.CharField(source="plan.code")
    plan_name = serializers.CharField(source="plan.name")
    price = SoldPriceOut(allow_null=True, help_text="Null for a subscription that the platform gave.")
    is_granted = serializers.SerializerMethodField(help_text="Whether the platform gave it.")
    seats = SubscriptionSeatsOut(source="*")

    class Meta:
        model = Subscription
        fields = (
            "id",
            "status",
            "status_reason",
            "plan",
            "plan_name",
            "price",
            "is_granted",
            "seats",
            "starts_at",
            "ends_at",
            "trial_ends_at",
            "period_starts_at",
            "period_ends_at",
            "cancels_at",
            "canceled_at",
            "past_due_since",
            "grace_until",
            "promotion_code",
        )

    def get_is_granted(self, subscription: Subscription) -> bool:
        """Tell whether an operator gave it."""
        return subscription.gateway_ref is None


class OwedOut(serializers.ModelSerializer[SubscriptionInvoice]):
    """An open invoice."""

    invoice = serializers.UUIDField(source="id")
    due = serializers.SerializerMethodField()
    pay_url = serializers.CharField(source="hosted_url", help_text="The gateway's page to pay it on.")

    class Meta:
        model = SubscriptionInvoice
        fields = ("invoice", "number", "due", "issued_at", "next_attempt_at", "pay_url")

    @extend_schema_field(MoneyOut)
    def get_due(self, invoice: SubscriptionInvoice) -> dict[str, Any]:
        """Return what is still to be paid."""
        return money(invoice.due_minor - invoice.paid_minor, invoice.currency)


class OverviewOut(serializers.Serializer[Overview]):
    """Where the subscription stands: the one in force, else the last."""

    subscription = OwnSubscriptionOut(allow_null=True)
    owed = OwedOut(many=True, help_text="Open invoices, the oldest first.")
    access_level = serializers.ChoiceField(choices=AccessLevel.choices, source="access.level")
