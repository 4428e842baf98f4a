"""Codes that lower a price."""

import uuid

from django.db import models
from django.db.models.functions import Upper

from billing.enums import Duration
from shared_apps.core.models import Record


class Promotion(Record):
    """One promotion code, sold to the gateway as a coupon with its code. The gateway counts its uses."""

    plan_id: uuid.UUID | None

    code = models.CharField(max_length=40, unique=True)
    # Only with this plan; None for every one.
    plan = models.ForeignKey(
        "billing.Plan", on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    percent = models.PositiveSmallIntegerField(null=True, blank=True)
    amount_minor = models.PositiveIntegerField(null=True, blank=True)
    currency = models.CharField(max_length=3, blank=True)
    duration = models.CharField(max_length=10, choices=Duration.choices, default=Duration.ONCE)
    months = models.PositiveSmallIntegerField(null=True, blank=True)
    max_redemptions = models.PositiveIntegerField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    is_active = models.BooleanField(default=True)
    # Filled when it was brought to the gateway.
    gateway_ref = models.CharField(max_length=80, unique=True, null=True, blank=True)

    class Meta:
        ordering = ("code",)
        constraints = [
            models.CheckConstraint(name="promotion_code_is_upper", condition=models.Q(code=Upper("code"))),
            models.CheckConstraint(
                name="promotion_is_percent_or_amount",
                condition=models.Q(percent__gte=1, percent__lte=100, amount_minor=None, currency="")
                | (models.Q(percent=None, amount_minor__gte=1) & ~models.Q(currency="")),
            ),
            models.CheckConstraint(
                name="promotion_repeats_for_months",
                condition=models.Q(duration="repeating", months__gte=1)
                | (~models.Q(duration="repeating") & models.Q(months=None)),
            ),
        ]

    def __str__(self) -> str:
        return self.code
