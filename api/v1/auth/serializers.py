"""Shapes of the auth slice. Input fields are plain and bounded; unknown members are ignored, so nobody can
give himself a role or a flag by naming it."""

import zoneinfo
from typing import Any

from django.utils.translation import get_language_info
from rest_framework import serializers

from shared_apps.core.actors import Role

SCOPES = ("read", "write")
_PASSWORD: dict[str, Any] = {"max_length": 256, "trim_whitespace": False, "write_only": True}


class EmailField(serializers.EmailField):
    """An address as long as the database takes."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=254, **options)


class RegisterIn(serializers.Serializer[Any]):
    """A new account."""

    email = EmailField()
    password = serializers.CharField(**_PASSWORD)
    name = serializers.CharField(max_length=200)
    timezone = serializers.CharField(max_length=64, default="UTC", help_text="IANA name.")
    language = serializers.CharField(max_length=12, default="en", help_text="ISO 639-1 code.")

    def validate_timezone(self, value: str) -> str:
        """Refuse a zone that no clock knows."""
        if value not in zoneinfo.available_timezones():
            raise serializers.ValidationError("Unknown time zone.", code="unknown_timezone")
        return value

    def validate_language(self, value: str) -> str:
        """Refuse a code that is no language."""
        try:
            get_language_info(value)
        except KeyError as error:
            raise serializers.ValidationError("Unknown language.", code="unknown_language") from error
        return value


class AcceptedOut(serializers.Serializer[Any]):
    """The same for every address."""

    status = serializers.ChoiceField(choices=["mail_sent"])


class KeyIn(serializers.Serializer[Any]):
    """The key of a verification mail."""

    key = serializers.CharField(max_length=300)


class EmailIn(serializers.Serializer[Any]):
    """An address to send a mail to."""

    email = EmailField()


class SignInIn(serializers.Serializer[Any]):
    """E-mail and password, and how the sign-in is carried."""

    email = EmailField()
    password = serializers.CharField(**_PASSWORD)
    mode = serializers.ChoiceField(choices=["token", "session"], default="token")


class RefreshIn(serializers.Serializer[Any]):
    """The refresh token to spend."""

    refresh_token = serializers.CharField(max_length=200)


class ResetPasswordIn(serializers.Serializer[Any]):
    """What the mailed link carries, and the new password."""

    uid = serializers.CharField(max_length=64)
    token = serializers.CharField(max_length=200)
    new_password = serializers.CharField(**_PASSWORD)


class ChangePasswordIn(serializers.Serializer[Any]):
    """The current password and the next."""

    current_password = serializers.CharField(**_PASSWORD)
    new_password = serializers.CharField(**_PASSWORD)


class PersonalTokenIn(serializers.Serializer[Any]):
    """A personal access token to make."""

    name = serializers.CharField(max_length=100)
    scopes = serializers.ListField(
        child=serializers.ChoiceField(choices=SCOPES), allow_empty=False, max_length=2, default=["read"]
    )
    expires_in_days = serializers.IntegerField(min_value=1, max_value=366, allow_null=True, default=90)


class IdentityOut(serializers.Serializer[Any]):
    """Who somebody is on this host."""

    id = serializers.UUIDField(source="user_id")
    email = serializers.EmailField()
    name = serializers.CharField()
    timezone = serializers.CharField()
    language = serializers.CharField()
    is_operator = serializers.BooleanField()
    membership_id = serializers.UUIDField(allow_null=True)
    role = serializers.ChoiceField(choices=[role.value for role in Role], allow_null=True)


class TokenPairOut(serializers.Serializer[Any]):
    """Access token and the refresh token that gets the next."""

    access_token = serializers.CharField()
    token_type = serializers.ChoiceField(choices=["Bearer"], default="Bearer")
    expires_in = serializers.IntegerField(help_text="Seconds the access token lives.")
    refresh_token = serializers.CharField()
    refresh_expires_at = serializers.DateTimeField()


class RenewedOut(serializers.Serializer[Any]):
    """What carries this sign-in on: tokens, or for a browser session a fresh CSRF token."""

    access_token = serializers.CharField(source="tokens.access_token", allow_null=True)
    token_type = serializers.ChoiceField(choices=["Bearer"], default="Bearer")
    expires_in = serializers.IntegerField(source="tokens.expires_in", allow_null=True)
    refresh_token = serializers.CharField(source="tokens.refresh_token", allow_null=True)
    refresh_expires_at = serializers.DateTimeField(source="tokens.refresh_expires_at", allow_null=True)
    csrf_token = serializers.CharField(allow_null=True)


class SignedInOut(RenewedOut):
    """A sign-in that succeeded."""

    user = IdentityOut()


class CsrfOut(serializers.Serializer[Any]):
    """What to send as X-CSRFToken; the cookie comes with the answer."""

    csrf_token = serializers.CharField()


class EndedOut(serializers.Serializer[Any]):
    """How many sign-ins ended."""

    ended = serializers.IntegerField()


class SignInOut(serializers.Serializer[Any]):
    """One device that is signed in."""

    id = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=["browser", "api"])
    user_agent = serializers.CharField()
    address = serializers.CharField(allow_null=True)
    created_at = serializers.DateTimeField()
    last_used_at = serializers.DateTimeField(allow_null=True)
    is_current = serializers.SerializerMethodField()

    def get_is_current(self, found: Any) -> bool:
        """Tell whether the request itself rides on it."""
        return bool(found.id == self.context["view"].actor.session_id)


class PersonalTokenOut(serializers.Serializer[Any]):
    """A personal access token without its secret."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    prefix = serializers.CharField(help_text="Its first characters, to tell tokens apart.")
    scopes = serializers.ListField(child=serializers.ChoiceField(choices=SCOPES))
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(allow_null=True)
    last_used_at = serializers.DateTimeField(allow_null=True)


class CreatedTokenOut(PersonalTokenOut):
    """A fresh token. The secret is shown this once."""

    token = serializers.CharField()
