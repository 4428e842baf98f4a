"""Shapes of the gateway slice."""

from typing import Any

from rest_framework import serializers

from billing.enums import EventState
from billing.models import Drift, GatewayEvent


class EventFilter(serializers.Serializer[Any]):
    """Query of the list of messages."""

    state = serializers.ChoiceField(choices=EventState.choices, required=False)
    kind = serializers.CharField(
        max_length=80, required=False, help_text='The beginning of it: "invoice." or a whole one.'
    )
    organization_id = serializers.UUIDField(
        required=False, help_text="Only messages about what the organization has at the gateway."
    )


class DriftFilter(serializers.Serializer[Any]):
    """Query of the list of differences."""

    organization_id = serializers.UUIDField(required=False)
    open = serializers.BooleanField(
        required=False, allow_null=True, default=None, help_text="What differs still, or what is over."
    )
    fact = serializers.CharField(max_length=40, required=False)


class GatewayEventOut(serializers.ModelSerializer[GatewayEvent]):
    """One message. `problem` says why it failed or was parked: a stable word, then facts."""

    class Meta:
        model = GatewayEvent
        fields = (
            "id",
            "gateway",
            "event_key",
            "kind",
            "object_ref",
            "state",
            "problem",
            "attempts",
            "next_try_at",
            "occurred_at",
            "processed_at",
            "was_missed",
            "created_at",
            "updated_at",
        )


class InboxStatesOut(serializers.Serializer[Any]):
    """Messages in each state."""

    received = serializers.IntegerField()
    processed = serializers.IntegerField()
    ignored = serializers.IntegerField()
    failed = serializers.IntegerField()
    parked = serializers.IntegerField()


class InboxOut(serializers.Serializer[Any]):
    """How the inbox stands."""

    states = InboxStatesOut()
    oldest_waiting_at = serializers.DateTimeField(
        allow_null=True, help_text="Arrival of the oldest message that is not worked off; parked ones aside."
    )
    refused_signatures_today = serializers.IntegerField(
        help_text="Messages since midnight UTC that the gateway did not sign. Nothing else is kept of them."
    )
    refused_signatures_week = serializers.IntegerField(help_text="The same in seven days.")
    open_drifts = serializers.IntegerField()


class DriftOut(serializers.ModelSerializer[Drift]):
    """One fact that stands otherwise at the gateway. `resolved_at` is when it was found equal again."""

    organization_id = serializers.UUIDField(allow_null=True)

    class Meta:
        model = Drift
        fields = (
            "id",
            "organization_id",
            "subject",
            "fact",
            "ours",
            "theirs",
            "created_at",
            "last_seen_at",
            "resolved_at",
        )
