"""Shapes of the profile slice."""

from typing import Any

from rest_framework import serializers

from api.v1.members.serializers import MemberOut


class UpdateProfileIn(serializers.Serializer[Any]):
    """What people say about themselves; fields left out stay."""

    name = serializers.CharField(max_length=200, required=False, allow_blank=True)
    timezone = serializers.CharField(max_length=64, required=False, help_text="IANA name.")
    language = serializers.CharField(max_length=12, required=False, help_text="Tag like en or pt-BR.")


class ProfileOut(serializers.Serializer[Any]):
    """One's own profile: `member` is what the company says and only it changes."""

    user_id = serializers.UUIDField(source="user.id")
    email = serializers.EmailField(source="user.email")
    name = serializers.CharField(source="user.name")
    timezone = serializers.CharField(source="user.timezone")
    language = serializers.CharField(source="user.language")
    member = MemberOut()
    can = serializers.DictField(
        child=serializers.BooleanField(), help_text="Acts by name; whether the role allows them at all."
    )
