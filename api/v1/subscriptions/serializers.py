"""Shapes of the subscriptions slice."""

from typing import Any

from rest_framework import serializers

from billing.enums import SubscriptionStatus
from billing.models import Subscription

MOST_SEATS = 1_000_000


class SubscriptionFilter(serializers.Serializer[Any]):
    """Query of the list."""

    organization_id = serializers.UUIDField(required=False)
    status = serializers.ChoiceField(choices=SubscriptionStatus.choices, required=False)


class GrantIn(serializers.Serializer[Any]):
    """A subscription to give."""

    organization_id = serializers.UUIDField()
    plan = serializers.SlugField(max_length=40, help_text="Code of the plan.")
    seats = serializers.IntegerField(min_value=1, max_value=MOST_SEATS)
    note = serializers.CharField(max_length=300, required=False, default="", allow_blank=True)
    ends_at = serializers.DateTimeField(required=False, allow_null=True, default=None)


class ChangeSeatsIn(serializers.Serializer[Any]):
    """The new number of seats."""

    seats = serializers.IntegerField(min_value=1, max_value=MOST_SEATS)


class CancelIn(serializers.Serializer[Any]):
    """Why."""

    reason = serializers.CharField(max_length=300, required=False, default="", allow_blank=True)


class SubscriptionOut(serializers.ModelSerializer[Subscription]):
    """One subscription; free = purchased - used, or less where seats are given up with the next period."""

    organization_id = serializers.UUIDField()
    plan = serializers.CharField(source="plan.code")
    free = serializers.IntegerField()
    comped = serializers.IntegerField(help_text="Of the purchased ones, those that nobody pays for.")
    is_billed = serializers.SerializerMethodField(
        help_text="Billed at the gateway; else an operator gave it."
    )

    class Meta:
        model = Subscription
        fields = (
            "id",
            "organization_id",
            "plan",
            "status",
            "purchased",
            "used",
            "free",
            "comped",
            "pending_purchased",
            "unpaid_purchased",
            "is_billed",
            "starts_at",
            "ends_at",
            "canceled_at",
            "trial_ends_at",
            "period_starts_at",
            "period_ends_at",
            "cancels_at",
            "past_due_since",
            "grace_until",
            "note",
            "created_at",
            "updated_at",
        )

    def get_is_billed(self, subscription: Subscription) -> bool:
        """Tell whether the gateway bills it."""
        return subscription.gateway_ref is not None
