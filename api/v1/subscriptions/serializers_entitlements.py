"""Shapes of what an organization may use, as operators see and set it."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers


@extend_schema_field({"oneOf": [{"type": "integer", "minimum": 0}, {"type": "boolean"}], "nullable": True})
class ValueField(serializers.JSONField):
    """A number, null for no limit, or true or false."""


class EntitlementsIn(serializers.Serializer[Any]):
    """What is to count in place of the plan, what no longer, and why."""

    entitlements = serializers.DictField(
        child=ValueField(allow_null=True),
        required=False,
        default=dict,
        help_text="Name to number, null (no limit), or true or false. Names left out stay as they are.",
    )
    reset = serializers.ListField(
        child=serializers.CharField(max_length=100),
        required=False,
        default=list,
        max_length=100,
        help_text="Names that follow the plan again.",
    )
    reason = serializers.CharField(max_length=300)


class SaidOut(serializers.Serializer[Any]):
    """What somebody says of it."""

    value = ValueField(allow_null=True, help_text="A number, null for no limit, or true or false.")


class EntitlementOut(serializers.Serializer[Any]):
    """One entitlement: an operator's word counts before the plan's, the plan's before the default."""

    name = serializers.CharField()
    kind = serializers.ChoiceField(choices=["limit", "flag"])
    wording = serializers.CharField()
    default = ValueField(allow_null=True)
    by_plan = SaidOut(allow_null=True, help_text="Null where the plan says nothing of it.")
    by_operator = SaidOut(allow_null=True, help_text="Null where no operator set it.")
    value = ValueField(allow_null=True, help_text="What holds: a number, null for no limit, true or false.")
    said_by = serializers.ChoiceField(choices=["default", "plan", "operator"])


class OrganizationEntitlementsOut(serializers.Serializer[Any]):
    """Everything a plan can allow, as it stands for one organization."""

    organization_id = serializers.UUIDField()
    plan = serializers.CharField(allow_blank=True, help_text="Code of the plan; empty without one.")
    results = EntitlementOut(many=True)
