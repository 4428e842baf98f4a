"""Shapes of the audit slice."""

from typing import Any

from rest_framework import serializers

from shared_apps.audit.models import AuditEvent


class AuditFilter(serializers.Serializer[Any]):
    """Query of the list."""

    action = serializers.CharField(
        max_length=80, required=False, help_text="One act, or with a dot at the end a family: `members.`."
    )
    actor_id = serializers.UUIDField(required=False, help_text="The user who acted.")
    target_id = serializers.CharField(max_length=64, required=False)
    outcome = serializers.ChoiceField(choices=[("done", "Done"), ("refused", "Refused")], required=False)
    organization_id = serializers.UUIDField(required=False, help_text="For operators.")
    since = serializers.DateTimeField(required=False)
    until = serializers.DateTimeField(required=False, help_text="First instant after the window.")


class AuditEventOut(serializers.ModelSerializer[AuditEvent]):
    """One act: who did what to what, when and from where."""

    changes = serializers.DictField(help_text="Facts of the act; for edits field: [old, new].")

    class Meta:
        model = AuditEvent
        fields = (
            "id",
            "created_at",
            "organization_id",
            "actor_kind",
            "actor_id",
            "actor_label",
            "action",
            "target_kind",
            "target_id",
            "outcome",
            "changes",
            "address",
            "request_id",
        )
