"""Shapes of what the plan allows."""

from typing import Any

from rest_framework import serializers

from billing.entitlements import Kind

SAYERS = ("default", "plan", "operator")


class EntitlementOut(serializers.Serializer[Any]):
    """One thing that the plan allows, or does not."""

    name = serializers.CharField()
    kind = serializers.ChoiceField(choices=[kind.value for kind in Kind])
    wording = serializers.CharField()
    allowed = serializers.BooleanField(help_text="False for a flag that is off; a limit is always allowed.")
    limit = serializers.IntegerField(allow_null=True, help_text="null: no limit, or a flag.")
    used = serializers.IntegerField(allow_null=True, help_text="In the limit's unit; null for a flag.")
    said_by = serializers.ChoiceField(choices=SAYERS, help_text="Who said so.")


class EntitlementsOut(serializers.Serializer[Any]):
    """All that plans can allow, with how much of it is used."""

    plan = serializers.CharField(help_text="Code of the plan, or empty.")
    results = EntitlementOut(many=True)
