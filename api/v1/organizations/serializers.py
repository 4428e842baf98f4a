"""Shapes of the organizations slice."""

from typing import Any

from rest_framework import serializers

from tenants.enums import OrganizationState
from tenants.models import Organization


class OrganizationFilter(serializers.Serializer[Any]):
    """Query of the list."""

    search = serializers.CharField(
        max_length=100, required=False, default="", help_text="Part of name, slug or owner's address."
    )
    state = serializers.ChoiceField(choices=OrganizationState.choices, required=False)


class BrandingShape(serializers.Serializer[Any]):
    """How the organization's pages and mails look."""

    primary_color = serializers.RegexField(r"^#[0-9a-fA-F]{6}$", required=False)
    logo_url = serializers.URLField(max_length=500, required=False, allow_blank=True)
    support_email = serializers.EmailField(required=False, allow_blank=True)


class SettingsShape(serializers.Serializer[Any]):
    """What operators set for an organization; a name left out keeps its value."""

    cors_origins = serializers.ListField(
        child=serializers.CharField(max_length=300),
        max_length=50,
        required=False,
        help_text="Origins of web pages that may call the API from a browser.",
    )
    embed_allowed_hosts = serializers.ListField(
        child=serializers.CharField(max_length=255),
        max_length=50,
        required=False,
        help_text="Hosts that lessons may embed besides the platform's own: `films.acme.example`, or "
        "`*.acme.example` for every host below it. Kept in lower case.",
    )
    seat_self_claim = serializers.BooleanField(
        required=False, help_text="Whether members may take a free seat for themselves."
    )


class OrganizationIn(serializers.Serializer[Any]):
    """A new organization."""

    name = serializers.CharField(max_length=200)
    slug = serializers.CharField(max_length=63, help_text="Subdomain.")
    owner_email = serializers.EmailField(max_length=254)
    timezone = serializers.CharField(max_length=64, required=False, default="UTC")
    language = serializers.RegexField(
        r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})?$", max_length=12, required=False, default="en"
    )


class OwnOrganizationChanges(serializers.Serializer[Any]):
    """What an organization's own admins can change."""

    name = serializers.CharField(max_length=200, required=False)
    timezone = serializers.CharField(max_length=64, required=False)
    language = serializers.RegexField(r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})?$", max_length=12, required=False)
    branding = BrandingShape(required=False)


class OrganizationChanges(OwnOrganizationChanges):
    """What operators can change."""

    settings = SettingsShape(required=False)


class SuspendIn(serializers.Serializer[Any]):
    """Why; the organization's people are told."""

    reason = serializers.CharField(max_length=500)


class DeleteIn(serializers.Serializer[Any]):
    """Proof that the right organization is meant."""

    confirm = serializers.CharField(max_length=63, help_text="The organization's present slug.")
    reason = serializers.CharField(max_length=500, required=False, default="", allow_blank=True)


class OwnOrganizationOut(serializers.ModelSerializer[Organization]):
    """One's own organization."""

    branding = BrandingShape()

    class Meta:
        model = Organization
        fields = (
            "id",
            "name",
            "slug",
            "state",
            "timezone",
            "language",
            "branding",
            "created_at",
            "updated_at",
        )


class OrganizationOut(serializers.ModelSerializer[Organization]):
    """One organization with its schema and seats, for operators."""

    host = serializers.CharField(allow_null=True)
    branding = BrandingShape()
    settings = SettingsShape()
    schema_state = serializers.CharField(allow_null=True)
    schema_version = serializers.CharField(allow_null=True)
    plan = serializers.CharField(allow_null=True)
    seats_purchased = serializers.IntegerField(allow_null=True)
    seats_used = serializers.IntegerField(allow_null=True)

    class Meta:
        model = Organization
        fields = (
            "id",
            "name",
            "slug",
            "host",
            "state",
            "state_reason",
            "state_changed_at",
            "owner_email",
            "timezone",
            "language",
            "branding",
            "settings",
            "placement",
            "schema_state",
            "schema_version",
            "plan",
            "seats_purchased",
            "seats_used",
            "created_at",
            "updated_at",
        )
