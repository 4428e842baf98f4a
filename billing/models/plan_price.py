"""What a seat costs under a plan."""

import uuid

from django.db import models

from billing.enums import Interval, TaxBehavior
from shared_apps.core.models import Record


class PlanPrice(Record):
    """The price of one seat for one period in one currency. It never changes: another amount is another row,
    and who bought at the old one keeps it."""

    plan_id: uuid.UUID

    plan = models.ForeignKey("billing.Plan", on_delete=models.PROTECT, related_name="prices")
    interval = models.CharField(max_length=8, choices=Interval.choices)
    currency = models.CharField(max_length=3)
    unit_minor = models.PositiveIntegerField()
    tax_behavior = models.CharField(max_length=10, choices=TaxBehavior.choices, default=TaxBehavior.EXCLUSIVE)
    is_active = models.BooleanField(default=True)
    # Filled when the catalogue was brought to the gateway.
    gateway_ref = models.CharField(max_length=80, unique=True, null=True, blank=True)

    class Meta:
        ordering = ("plan_id", "interval", "currency")
        constraints = [
            # Two sums for one thing at once: nobody could say which is asked.
            models.UniqueConstraint(
                fields=["plan", "interval", "currency"],
                condition=models.Q(is_active=True),
                name="one_price_sold_at_a_time",
            ),
            models.CheckConstraint(
                name="plan_price_currency_is_lower", condition=models.Q(currency__regex="^[a-z]{3}$")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.unit_minor} {self.currency} a seat and {self.interval}"

    @property
    def key(self) -> str:
        """Return the name under which the gateway knows this price."""
        return f"palaestra-{self.id.hex}"
