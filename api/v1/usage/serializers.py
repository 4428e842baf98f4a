"""Shapes of the usage slice."""

from typing import Any

from rest_framework import serializers

from shared_apps.usage.models import DailyUsage
from tenants.models import Organization


class UsageFilter(serializers.Serializer[Any]):
    """Query of the figures."""

    days = serializers.IntegerField(
        min_value=1, max_value=366, required=False, default=30, help_text="The last so many, today included."
    )


class DayOut(serializers.ModelSerializer[DailyUsage]):
    """One day (UTC). Counts of today lag by about a minute; sizes are measured once a night."""

    requests = serializers.IntegerField(help_text="Counted API requests.")
    tasks = serializers.IntegerField(help_text="Background tasks that ran.")
    mails = serializers.IntegerField(help_text="Mails handed to the mail server.")
    database_bytes = serializers.IntegerField(allow_null=True, help_text="Tables with indexes.")
    file_bytes = serializers.IntegerField(allow_null=True)
    rows = serializers.IntegerField(allow_null=True, help_text="Estimated.")

    class Meta:
        model = DailyUsage
        fields = ("day", "requests", "tasks", "mails", "database_bytes", "file_bytes", "rows")


class UsageOut(serializers.Serializer[Any]):
    """What an organization used."""

    organization_id = serializers.UUIDField()
    since = serializers.DateField()
    until = serializers.DateField(help_text="Today, in UTC.")
    queue_weight = serializers.IntegerField(help_text="Its share of the workers, where others have 1.")
    request_budget = serializers.IntegerField(
        allow_null=True, help_text="Requests in a minute; null: the installation's own number."
    )
    days = DayOut(many=True, help_text="Oldest first; days without figures are left out.")


class SharesIn(serializers.Serializer[Any]):
    """Shares to change; what is left out stays."""

    queue_weight = serializers.IntegerField(min_value=1, max_value=100, required=False)
    request_budget = serializers.IntegerField(
        min_value=1,
        max_value=1_000_000_000,
        required=False,
        allow_null=True,
        help_text="Requests in a minute; null for the installation's own number.",
    )


class SharesOut(serializers.ModelSerializer[Organization]):
    """An organization's shares of what all use."""

    class Meta:
        model = Organization
        fields = ("id", "queue_weight", "request_budget")
