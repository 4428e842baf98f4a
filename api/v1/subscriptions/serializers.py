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
    """One subscription; free = purchased - used."""

    organization_id = serializers.UUIDField()
    plan = serializers.CharField(source="plan.code")
    free = serializers.IntegerField()

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
            "starts_at",
            "ends_at",
            "canceled_at",
            "note",
            "created_at",
            "updated_at",
        )
