"""Money given back by an operator."""

import uuid

from django.db import models

from billing.enums import RefundState
from shared_apps.core.models import Record


class Refund(Record):
    """One refund of what was paid on an invoice. Its id is the key of the call that makes it."""

    organization_id: uuid.UUID
    invoice_id: uuid.UUID

    organization = models.ForeignKey("tenants.Organization", on_delete=models.PROTECT, related_name="+")
    invoice = models.ForeignKey(
        "billing.SubscriptionInvoice", on_delete=models.PROTECT, related_name="refunds"
    )
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    state = models.CharField(max_length=10, choices=RefundState.choices, default=RefundState.REQUESTED)
    gateway_ref = models.CharField(max_length=80, unique=True, null=True, blank=True)
    note = models.CharField(max_length=300, blank=True)
    problem = models.CharField(max_length=100, blank=True)
    requested_by_id = models.UUIDField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ("-id",)
        constraints = [
            models.CheckConstraint(name="refund_is_positive", condition=models.Q(amount_minor__gt=0)),
            # Two refunds at once would each be reckoned from what was left before both.
            models.UniqueConstraint(
                fields=["invoice"],
                condition=models.Q(state="requested"),
                name="one_refund_on_its_way",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount_minor} {self.currency}, {self.state}"
