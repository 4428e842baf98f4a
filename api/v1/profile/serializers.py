"""Shapes of the profile slice."""

from typing import Any

from rest_framework import serializers

from shared_apps.accounts.enums import ROLE_CHOICES


class UpdateProfileIn(serializers.Serializer[Any]):
    """What people say about themselves; fields left out stay."""

    name = serializers.CharField(max_length=200, required=False, allow_blank=True)
    timezone = serializers.CharField(max_length=64, required=False, help_text="IANA name.")
    language = serializers.CharField(max_length=12, required=False, help_text="Tag like en or pt-BR.")


class OwnMemberOut(serializers.Serializer[Any]):
    """What the company knows of one; it alone changes this."""

    id = serializers.UUIDField(source="membership_id")
    role = serializers.ChoiceField(choices=ROLE_CHOICES, source="membership.role")
    first_name = serializers.CharField(allow_blank=True)
    last_name = serializers.CharField(allow_blank=True)
    employee_id = serializers.CharField(allow_blank=True)
    job_title = serializers.CharField(allow_blank=True)
    department = serializers.CharField(allow_blank=True)
    location = serializers.CharField(allow_blank=True)
    starts_on = serializers.DateField(allow_null=True)
    manager_name = serializers.CharField(source="manager.display_name", default="", allow_blank=True)


class ProfileOut(serializers.Serializer[Any]):
    """One's own profile: `member` is what the company says and only it changes."""

    user_id = serializers.UUIDField(source="user.id")
    email = serializers.EmailField(source="user.email")
    name = serializers.CharField(source="user.name")
    timezone = serializers.CharField(source="user.timezone")
    language = serializers.CharField(source="user.language")
    member = OwnMemberOut()
    can = serializers.DictField(
        child=serializers.BooleanField(), help_text="Acts by name; whether the role allows them at all."
    )
