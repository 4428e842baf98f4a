"""Shapes of the seats slice."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from api.core.money import MoneyOut, money
from billing.enums import ChangeState, Overuse, SeatActKind, SeatEnding, SeatState
from billing.models import SeatAct, SeatAssignment
from billing.services.seats.bulk import Growth

MOST_AT_ONCE = 5000


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

    ending = serializers.SerializerMethodField(
        help_text="How it ended: `moved` counts towards the moves that the plan allows in a year. Null while"
        " it lasts, and where it ended with its subscription."
    )
    given_in_id = serializers.UUIDField(
        allow_null=True, help_text="The act on many seats that gave it, by which it can be undone."
    )
    taken_in_id = serializers.UUIDField(allow_null=True, help_text="The act on many seats that took it.")

    member_id = serializers.UUIDField(source="membership_id")
    email = serializers.EmailField(source="membership.user.email")
    assigned_at = serializers.DateTimeField(source="created_at")
    follows_id = serializers.UUIDField(
        allow_null=True, help_text="The holding that was handed on to this member."
    )

    @extend_schema_field(serializers.ChoiceField(choices=SeatEnding.choices, allow_null=True))
    def get_ending(self, seat: SeatAssignment) -> str | None:
        """Return the word, None for none."""
        return seat.ending or None

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
            "ending",
            "given_in_id",
            "taken_in_id",
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


class _ManyIn(serializers.Serializer[Any]):
    """Members and why."""

    member_ids = serializers.ListField(
        child=serializers.UUIDField(), min_length=1, max_length=MOST_AT_ONCE, required=False
    )
    reason = serializers.CharField(max_length=200, required=False, default="", allow_blank=True)
    dry_run = serializers.BooleanField(
        required=False, default=False, help_text="Only tell what would come of it."
    )
    everyone = ""

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse both ways to say whom, and neither."""
        if ("member_ids" in attrs) == attrs.pop(self.everyone, False):
            raise serializers.ValidationError(f"Send either member_ids or {self.everyone}.")
        return attrs


class AssignManyIn(_ManyIn):
    """Whom to give a seat to."""

    everyone_without_seat = serializers.BooleanField(
        required=False, default=False, help_text="Instead of `member_ids`: all who joined or are invited."
    )
    everyone = "everyone_without_seat"


class RevokeManyIn(_ManyIn):
    """Whose seat to take."""

    everyone_with_seat = serializers.BooleanField(
        required=False, default=False, help_text="Instead of `member_ids`: all who hold one."
    )
    everyone = "everyone_with_seat"


class RowRefusalOut(serializers.Serializer[Any]):
    """A member left out."""

    member_id = serializers.UUIDField(source="membership_id")
    code = serializers.CharField(help_text="As the refusal of this member alone would say.")
    facts = serializers.DictField()


class GrowthOut(serializers.Serializer[Any]):
    """Seats that are bought so that an act fits."""

    seats = serializers.IntegerField(help_text="How many are bought.")
    due = serializers.SerializerMethodField(help_text="What is charged at once.")
    total = serializers.SerializerMethodField(help_text="What it comes to, before the organization's credit.")
    change_id = serializers.UUIDField(
        source="change.id",
        default=None,
        allow_null=True,
        help_text="The change of the subscription, to be followed at GET billing/changes/{id}; null while"
        " it is only shown.",
    )
    state = serializers.ChoiceField(
        source="change.state", choices=ChangeState.choices, default=None, allow_null=True
    )

    @extend_schema_field(MoneyOut)
    def get_due(self, growth: Growth) -> dict[str, Any]:
        """Return the sum."""
        return money(growth.due_minor, growth.currency)

    @extend_schema_field(MoneyOut)
    def get_total(self, growth: Growth) -> dict[str, Any]:
        """Return the sum."""
        return money(growth.total_minor, growth.currency)


class BulkOutcomeOut(serializers.Serializer[Any]):
    """What an act on many seats did, or would do."""

    act_id = serializers.UUIDField(
        source="act.id", default=None, allow_null=True, help_text="None when nothing was changed."
    )
    undo_until = serializers.DateTimeField(source="act.undo_until", default=None, allow_null=True)
    changed = serializers.IntegerField(help_text="Seats given, or taken.")
    unchanged = serializers.IntegerField(help_text="Members who had a seat before.")
    free = serializers.IntegerField(help_text="Seats nobody holds afterwards.")
    refused = RowRefusalOut(many=True)
    growth = GrowthOut(allow_null=True, help_text="What was, or would be, bought for it; null for nothing.")


class SeatActFilter(serializers.Serializer[Any]):
    """Query of the list of acts."""

    kind = serializers.ChoiceField(choices=SeatActKind.choices, required=False)


class SeatActOut(serializers.ModelSerializer[SeatAct]):
    """One act on many seats."""

    seats = serializers.IntegerField(help_text="How many seats it changed.")
    undoes_id = serializers.UUIDField(allow_null=True, help_text="The act that this one undid.")

    class Meta:
        model = SeatAct
        fields = (
            "id",
            "kind",
            "seats",
            "reason",
            "acted_by_id",
            "created_at",
            "undo_until",
            "undone_at",
            "undoes_id",
        )


class MovesOut(serializers.Serializer[Any]):
    """Moves of the subscription's running year."""

    percent = serializers.IntegerField(source="moves_percent", allow_null=True)
    allowed = serializers.IntegerField(source="moves_allowed", allow_null=True, help_text="None: any number.")
    used = serializers.IntegerField(source="moves_used")
    left = serializers.IntegerField(source="moves_left", allow_null=True)
    renews_at = serializers.DateTimeField()


class SeatRulesOut(serializers.Serializer[Any]):
    """How freely seats move, and what happens when they run out."""

    cooling_hours = serializers.IntegerField(help_text="Somebody holds a seat so long before it moves on.")
    moves = MovesOut(source="*")
    overuse = serializers.ChoiceField(choices=Overuse.choices)
    words = serializers.ListField(child=serializers.CharField(), help_text="The rules in plain words.")


class SeatSettingsOut(serializers.Serializer[Any]):
    """How the organization wants its seats given."""

    self_claim = serializers.BooleanField(help_text="Members may take a free seat themselves.")
    auto_assign = serializers.BooleanField(help_text="Who joins is given a free seat.")
    growth = serializers.BooleanField(
        help_text="Missing seats are bought when seats are assigned, where the plan has it so."
    )
    growth_most = serializers.IntegerField(
        allow_null=True, help_text="Seats in all beyond which none is bought like this."
    )


class SeatSettingsIn(serializers.Serializer[Any]):
    """What to change; what is left out stays."""

    self_claim = serializers.BooleanField(required=False)
    auto_assign = serializers.BooleanField(required=False)
    growth = serializers.BooleanField(required=False)
    growth_most = serializers.IntegerField(required=False, allow_null=True, min_value=1, max_value=1_000_000)
