"""Invoices of subscriptions, as the gateway made them."""

import uuid

from django.db import models

from shared_apps.core.models import Record


class SubscriptionInvoice(Record):
    """One invoice. The gateway's copy is the document; this row is for lists, sums and links."""

    organization_id: uuid.UUID
    subscription_id: uuid.UUID | None

    organization = models.ForeignKey("tenants.Organization", on_delete=models.PROTECT, related_name="+")
    subscription = models.ForeignKey(
        "billing.Subscription", on_delete=models.PROTECT, related_name="invoices", null=True, blank=True
    )
    gateway_ref = models.CharField(max_length=80, unique=True)
    number = models.CharField(max_length=60, blank=True)
    status = models.CharField(max_length=20)
    reason = models.CharField(max_length=40, blank=True)
    currency = models.CharField(max_length=3)
    subtotal_minor = models.BigIntegerField()
    discount_minor = models.BigIntegerField()
    tax_minor = models.BigIntegerField()
    total_minor = models.BigIntegerField()
    due_minor = models.BigIntegerField()
    paid_minor = models.BigIntegerField()
    refunded_minor = models.BigIntegerField(default=0)
    # The payment that a refund names.
    payment_ref = models.CharField(max_length=80, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    issued_at = models.DateTimeField()
    paid_at = models.DateTimeField(null=True, blank=True)
    hosted_url = models.URLField(max_length=1000, blank=True)
    pdf_url = models.URLField(max_length=1000, blank=True)
    # Description, sums, seats, price and period of each line.
    lines = models.JSONField(default=list)

    class Meta:
        ordering = ("-issued_at", "-id")
        indexes = [models.Index(fields=["organization", "-issued_at"], name="invoice_by_organization")]

    def __str__(self) -> str:
        return self.number or self.gateway_ref
