"""Shapes of the invitations slice."""

from typing import Any

from rest_framework import serializers

from shared_apps.accounts.enums import ROLE_CHOICES
from shared_apps.accounts.models import Invitation
from shared_apps.accounts.selectors.invitations import state_of
from shared_apps.core.actors import Role

STATES = [("open", "Open"), ("accepted", "Accepted"), ("revoked", "Revoked"), ("expired", "Expired")]


class InvitationFilter(serializers.Serializer[Any]):
    """Query of the list."""

    state = serializers.ChoiceField(choices=STATES, required=False)


class InviteIn(serializers.Serializer[Any]):
    """Whom to invite, and as what."""

    email = serializers.EmailField(max_length=254)
    role = serializers.ChoiceField(choices=ROLE_CHOICES, default=Role.LEARNER.value)
    first_name = serializers.CharField(max_length=100, required=False, default="", allow_blank=True)
    last_name = serializers.CharField(max_length=100, required=False, default="", allow_blank=True)


class TokenIn(serializers.Serializer[Any]):
    """The token of the mailed link."""

    token = serializers.CharField(max_length=100)


class AcceptIn(TokenIn):
    """The account's password, or the first one of a new account, and the name if nobody knows it yet."""

    password = serializers.CharField(max_length=200, trim_whitespace=False, write_only=True)
    first_name = serializers.CharField(max_length=100, required=False, default="", allow_blank=True)
    last_name = serializers.CharField(max_length=100, required=False, default="", allow_blank=True)


class InvitationOut(serializers.ModelSerializer[Invitation]):
    """One invitation. The token is in the mail and nowhere else."""

    role = serializers.ChoiceField(choices=ROLE_CHOICES)
    member_id = serializers.UUIDField(source="membership_id", allow_null=True)
    state = serializers.SerializerMethodField()

    class Meta:
        model = Invitation
        fields = (
            "id",
            "email",
            "role",
            "state",
            "member_id",
            "invited_by_id",
            "created_at",
            "expires_at",
            "accepted_at",
            "revoked_at",
        )

    def get_state(self, invitation: Invitation) -> str:
        """Return "open", "accepted", "revoked" or "expired"."""
        return state_of(invitation)


class InvitationPreviewOut(serializers.Serializer[Any]):
    """What the holder of a token may know before accepting."""

    organization = serializers.CharField()
    email = serializers.EmailField()
    role = serializers.ChoiceField(choices=ROLE_CHOICES)
    has_account = serializers.BooleanField(help_text="Accepting asks for the account's password.")
    needs_name = serializers.BooleanField(help_text="Accepting asks for a name.")


class JoinedOut(serializers.Serializer[Any]):
    """Who has joined. Sign in with the password next."""

    member_id = serializers.UUIDField(source="membership_id")
    email = serializers.EmailField()
    display_name = serializers.CharField()
