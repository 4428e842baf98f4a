"""The subscription of an organization, with its counted seats."""

import uuid

from django.db import models

from billing.enums import SubscriptionStatus
from shared_apps.core.models import Record


class Subscription(Record):
    """One organization's right to seats.

    `used` is moved by a statement trigger on seat assignments, never by code; the CHECK makes a seat that
    was not bought impossible for the API, the console, bulk statements and raw SQL alike. Every seat command
    locks this row first, which keeps claims, revokes and resizes free of deadlocks.
    """

    organization_id: uuid.UUID
    plan_id: uuid.UUID

    organization = models.ForeignKey(
        "tenants.Organization", on_delete=models.PROTECT, related_name="subscriptions"
    )
    plan = models.ForeignKey("billing.Plan", on_delete=models.PROTECT, related_name="subscriptions")
    status = models.CharField(
        max_length=12, choices=SubscriptionStatus.choices, default=SubscriptionStatus.ACTIVE
    )
    purchased = models.PositiveIntegerField()
    used = models.PositiveIntegerField(default=0, editable=False)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True, blank=True)
    granted_by_id = models.UUIDField(null=True, blank=True)
    note = models.CharField(max_length=300, blank=True)
    canceled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-id",)
        constraints = [
            # Two claims of the last seat: the second statement's trigger breaks this and rolls back.
            models.CheckConstraint(
                name="seats_used_within_purchased",
                condition=models.Q(used__gte=0) & models.Q(used__lte=models.F("purchased")),
            ),
            # Two grants at once would otherwise leave an organization with two live subscriptions.
            models.UniqueConstraint(
                fields=["organization"],
                condition=~models.Q(status=SubscriptionStatus.CANCELED),
                name="one_live_subscription",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.used}/{self.purchased} seats"

    @property
    def free(self) -> int:
        """Number of seats nobody holds."""
        return self.purchased - self.used
