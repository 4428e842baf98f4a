"""Shapes of the members slice."""

from typing import Any

from rest_framework import serializers

from shared_apps.accounts.enums import ROLE_CHOICES, MembershipStatus
from tenant_apps.people.models import Member


class MemberFilter(serializers.Serializer[Any]):
    """Query of the list."""

    search = serializers.CharField(
        max_length=100,
        required=False,
        help_text="Words that each begin the first name, the last name or the address.",
    )
    role = serializers.ChoiceField(choices=ROLE_CHOICES, required=False)
    status = serializers.ChoiceField(
        choices=MembershipStatus.choices,
        required=False,
        help_text="Without it everybody who was not removed.",
    )
    department = serializers.CharField(max_length=150, required=False)


class UpdateMemberIn(serializers.Serializer[Any]):
    """Facts to write; fields left out stay."""

    first_name = serializers.CharField(max_length=100, required=False, allow_blank=True)
    last_name = serializers.CharField(max_length=100, required=False, allow_blank=True)
    employee_id = serializers.CharField(max_length=64, required=False, allow_blank=True)
    job_title = serializers.CharField(max_length=150, required=False, allow_blank=True)
    department = serializers.CharField(max_length=150, required=False, allow_blank=True)
    location = serializers.CharField(max_length=150, required=False, allow_blank=True)
    timezone = serializers.CharField(max_length=64, required=False, allow_blank=True)
    language = serializers.CharField(max_length=12, required=False, allow_blank=True)
    starts_on = serializers.DateField(required=False, allow_null=True)
    manager_id = serializers.UUIDField(required=False, allow_null=True)


class ChangeRoleIn(serializers.Serializer[Any]):
    """The new role."""

    role = serializers.ChoiceField(choices=ROLE_CHOICES)


class ManagerOut(serializers.Serializer[Any]):
    """A member's manager."""

    id = serializers.UUIDField(source="membership_id")
    display_name = serializers.CharField()


class MemberOut(serializers.ModelSerializer[Member]):
    """A person as the company knows them."""

    id = serializers.UUIDField(source="membership_id")
    display_name = serializers.CharField(read_only=True)
    role = serializers.ChoiceField(choices=ROLE_CHOICES, source="membership.role")
    status = serializers.ChoiceField(choices=MembershipStatus.choices, source="membership.status")
    joined_at = serializers.DateTimeField(source="membership.joined_at", allow_null=True)
    manager = ManagerOut(allow_null=True)

    class Meta:
        model = Member
        fields = (
            "id",
            "email",
            "display_name",
            "first_name",
            "last_name",
            "employee_id",
            "job_title",
            "department",
            "location",
            "timezone",
            "language",
            "starts_on",
            "manager",
            "role",
            "status",
            "joined_at",
        )
