"""Shapes of what the subscription lets people do."""

from typing import Any

from rest_framework import serializers

from billing.enums import AccessLevel

WHAT_TO_DO = (
    "pay_invoice",
    "update_payment_method",
    "finish_payment",
    "resume_subscription",
    "subscribe",
)


class AccessOut(serializers.Serializer[Any]):
    """What the people of the organization may do now; the reasons are told to those who can settle it."""

    level = serializers.ChoiceField(choices=AccessLevel.choices, source="access.level")
    message = serializers.CharField(help_text="One sentence for the caller; empty for full access.")
    since = serializers.DateTimeField(source="access.since", allow_null=True)
    until = serializers.DateTimeField(
        source="access.until", allow_null=True, help_text="When less will be allowed unless somebody acts."
    )
    reason = serializers.CharField(source="access.reason", help_text="The subscription's status, or empty.")
    what_to_do = serializers.ListField(
        source="access.what_to_do", child=serializers.ChoiceField(choices=WHAT_TO_DO)
    )
    pay_url = serializers.CharField(
        source="access.pay_url", help_text="Page of the gateway on which the open invoice is paid, or empty."
    )
    billing_page = serializers.CharField(
        help_text="Path on this host where the subscription is looked after, or empty."
    )
    seats_kept_until = serializers.DateTimeField(
        source="access.seats_kept_until",
        allow_null=True,
        help_text="Until then a new subscription finds its people in their seats.",
    )
