"""Shapes of the seats slice."""

from typing import Any

from rest_framework import serializers

from billing.enums import SeatState
from billing.models import SeatAssignment


class SeatFilter(serializers.Serializer[Any]):
    """Query of the list."""

    state = serializers.ChoiceField(choices=SeatState.choices, required=False)
    member_id = serializers.UUIDField(required=False)
    held_at = serializers.DateTimeField(
        required=False, help_text="Only holdings that lasted at this instant, ended ones too."
    )


class AssignSeatsIn(serializers.Serializer[Any]):
    """Members to give a seat to."""

    member_ids = serializers.ListField(child=serializers.UUIDField(), min_length=1, max_length=1000)


class RevokeSeatIn(serializers.Serializer[Any]):
    """Why."""

    reason = serializers.CharField(max_length=200, required=False, default="", allow_blank=True)


class ReassignSeatIn(serializers.Serializer[Any]):
    """Who takes the seat over."""

    member_id = serializers.UUIDField()


class SeatOut(serializers.ModelSerializer[SeatAssignment]):
    """One holding of a seat."""

    member_id = serializers.UUIDField(source="membership_id")
    email = serializers.EmailField(source="membership.user.email")
    assigned_at = serializers.DateTimeField(source="created_at")
    follows_id = serializers.UUIDField(
        allow_null=True, help_text="The holding that was handed on to this member."
    )

    class Meta:
        model = SeatAssignment
        fields = (
            "id",
            "member_id",
            "email",
            "state",
            "assigned_at",
            "activated_at",
            "revoked_at",
            "revoked_reason",
            "assigned_by_id",
            "revoked_by_id",
            "follows_id",
        )


class AssignedSeatsOut(serializers.Serializer[Any]):
    """The holdings, in the order of the members asked for."""

    results = SeatOut(many=True)


class SeatSummaryOut(serializers.Serializer[Any]):
    """Counts of the live subscription; purchased = assigned + active + free."""

    purchased = serializers.IntegerField()
    assigned = serializers.IntegerField(help_text="Held by invited members who have not joined.")
    active = serializers.IntegerField(help_text="Held by members who joined.")
    free = serializers.IntegerField()
    released = serializers.IntegerField(help_text="Holdings that ended.")
    used_percent = serializers.IntegerField()
    plan = serializers.CharField(allow_blank=True)
    status = serializers.CharField(allow_blank=True)
