"""Shapes of the organizations slice."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from shared_apps.onboarding.models import SupportEntry
from shared_apps.onboarding.services.lifecycle import MOST_GRACE_DAYS
from shared_apps.onboarding.types import COURSE_REVIEW, OWN_SETTINGS, SUPPORT_SETTING
from tenants.enums import OrganizationState, Suspension
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


class OwnSettingsShape(serializers.Serializer[Any]):
    """What an organization's own admins set; a name left out keeps its value."""

    course_review = serializers.ChoiceField(
        choices=COURSE_REVIEW,
        required=False,
        help_text="`required`: drafts are published only after somebody who has not worked on them approved.",
    )


class SettingsShape(OwnSettingsShape):
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
    seat_auto_assign = serializers.BooleanField(
        required=False, help_text="Whether who joins is given a free seat."
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
    settings = OwnSettingsShape(required=False)


class OrganizationChanges(OwnOrganizationChanges):
    """What operators can change."""

    settings = SettingsShape(required=False)


class SuspendIn(serializers.Serializer[Any]):
    """Why and how; the organization's people are told why."""

    reason = serializers.CharField(max_length=500)
    mode = serializers.ChoiceField(
        choices=Suspension.choices,
        required=False,
        default=Suspension.FULL,
        help_text="`full`: the host answers nothing else; `read_only`: its people look and change nothing.",
    )


class DeleteIn(serializers.Serializer[Any]):
    """Proof that the right organization is meant, and how long it can be kept after all."""

    confirm = serializers.CharField(max_length=63, help_text="The organization's present slug.")
    reason = serializers.CharField(max_length=500, required=False, default="", allow_blank=True)
    grace_days = serializers.IntegerField(
        min_value=0,
        max_value=MOST_GRACE_DAYS,
        required=False,
        help_text="Days until its data is deleted; the installation's setting when left out.",
    )
    export_waiver = serializers.CharField(
        max_length=500,
        required=False,
        default="",
        allow_blank=True,
        help_text="Why no export is needed. Must be said for 0 days of grace.",
    )


class WaiveExportIn(serializers.Serializer[Any]):
    """Why the organization can be deleted without an export."""

    reason = serializers.CharField(max_length=500)


class RenameIn(serializers.Serializer[Any]):
    """The wished name."""

    slug = serializers.CharField(max_length=63, help_text="Subdomain.")


class EntryIn(serializers.Serializer[Any]):
    """Why an operator looks in; the organization's admins read it."""

    reason = serializers.CharField(max_length=500)


class AllowEntriesIn(serializers.Serializer[Any]):
    """Whether operators may look in."""

    allowed = serializers.BooleanField()


class EntryOut(serializers.ModelSerializer[SupportEntry]):
    """One look of an operator into an organization."""

    class Meta:
        model = SupportEntry
        fields = (
            "id",
            "organization_id",
            "operator_label",
            "reason",
            "created_at",
            "ends_at",
            "ended_at",
            "ended_by",
        )


class OpenedEntryOut(EntryOut):
    """A fresh entry, with the token for the organization's host; it is shown once."""

    token = serializers.CharField(help_text="Access token: reads what an admin reads, writes nothing.")
    host = serializers.CharField()

    class Meta:
        model = SupportEntry
        fields = (*EntryOut.Meta.fields, "token", "host")


class ReceiptOut(serializers.Serializer[Any]):
    """Receipt of a deletion. `manage.py verify_receipt` checks the file."""

    statement = serializers.DictField(help_text="What was deleted, and what was kept and why.")
    signature = serializers.CharField(
        help_text="Over the statement as JSON with sorted names and without spaces, UTF-8; base64."
    )
    algorithm = serializers.CharField(help_text="`ed25519`.")
    public_key = serializers.CharField(help_text="Trust the published one, not this.")


class OwnOrganizationOut(serializers.ModelSerializer[Organization]):
    """One's own organization."""

    branding = BrandingShape()
    host = serializers.CharField(help_text="Links and mails name it.")
    support_entry = serializers.SerializerMethodField(help_text="Whether operators may look in.")
    settings = serializers.SerializerMethodField()

    @extend_schema_field(OwnSettingsShape)
    def get_settings(self, organization: Organization) -> dict[str, Any]:
        """Return the settings that are the admins', with the defaults of those that were never set."""
        return {name: organization.settings.get(name, usual) for name, usual in OWN_SETTINGS.items()}

    def get_support_entry(self, organization: Organization) -> bool:
        """Return whether the owners let operators in."""
        return bool(organization.settings.get(SUPPORT_SETTING, True))

    class Meta:
        model = Organization
        fields = (
            "id",
            "name",
            "slug",
            "host",
            "state",
            "support_entry",
            "timezone",
            "language",
            "branding",
            "settings",
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
    suspension = serializers.SerializerMethodField()

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
            "suspension",
            "delete_after",
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

    @extend_schema_field(serializers.ChoiceField(choices=Suspension.choices, allow_null=True))
    def get_suspension(self, organization: Organization) -> str | None:
        """Return how a suspended organization is closed, None for one that is not suspended."""
        return organization.suspension or None
