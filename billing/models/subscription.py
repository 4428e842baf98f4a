"""The subscription of an organization, with its counted seats."""

import uuid

from django.db import models

from billing.enums import OVER, SubscriptionStatus
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
    # --- What stands at the gateway; empty for a subscription that an operator gave.
    price = models.ForeignKey(
        "billing.PlanPrice",
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
        db_index=False,  # asked for by nobody
    )
    # No `unique`: a unique index of its own, made beside the use of the table.
    gateway_ref = models.CharField(max_length=80, null=True, blank=True)  # noqa: DJ001
    item_ref = models.CharField(max_length=80, blank=True, db_default="")
    schedule_ref = models.CharField(max_length=80, blank=True, db_default="")
    status_reason = models.CharField(max_length=60, blank=True, db_default="")
    # Seats given on top of those that are billed.
    comped = models.IntegerField(default=0, db_default=0)
    # Fewer seats from the next period on cap claims at once; more that wait for their payment don't count.
    pending_purchased = models.IntegerField(null=True, blank=True)
    unpaid_purchased = models.IntegerField(null=True, blank=True)
    # Seats that are billed, where that is less than what people hold: a drift somebody has to look at.
    billed_seats = models.IntegerField(null=True, blank=True)
    trial_ends_at = models.DateTimeField(null=True, blank=True)
    period_starts_at = models.DateTimeField(null=True, blank=True)
    period_ends_at = models.DateTimeField(null=True, blank=True)
    cancels_at = models.DateTimeField(null=True, blank=True)
    past_due_since = models.DateTimeField(null=True, blank=True)
    # Until then everything works although something is owed.
    grace_until = models.DateTimeField(null=True, blank=True)
    # The highest share of used seats, in percent, that was told to the administrators.
    told_percent = models.SmallIntegerField(default=0, db_default=0)
    promotion_code = models.CharField(max_length=40, blank=True, db_default="")
    seen_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-id",)
        constraints = [
            # Two claims of the last seat: the second statement's trigger breaks this and rolls back.
            models.CheckConstraint(
                name="seats_used_within_purchased",
                condition=models.Q(used__gte=0) & models.Q(used__lte=models.F("purchased")),
            ),
            # Seats that are given up with the next period are given to nobody before.
            models.CheckConstraint(
                name="seats_used_within_pending",
                condition=models.Q(pending_purchased=None)
                | models.Q(used__lte=models.F("pending_purchased")),
            ),
            models.UniqueConstraint(
                fields=["gateway_ref"],
                condition=models.Q(gateway_ref__isnull=False),
                name="one_row_a_gateway_subscription",
            ),
            # Two grants at once would otherwise leave an organization with two live subscriptions.
            models.UniqueConstraint(
                fields=["organization"],
                condition=~models.Q(status__in=sorted(OVER)),
                name="one_subscription_in_force",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.used}/{self.purchased} seats"

    @property
    def free(self) -> int:
        """Number of seats nobody holds."""
        cap = (
            self.purchased if self.pending_purchased is None else min(self.purchased, self.pending_purchased)
        )
        return cap - self.used
