"""The organization as a customer of the payment gateway."""

import uuid

from django.db import models

from shared_apps.core.models import Record


class BillingAccount(Record):
    """Which customer at the gateway an organization is. Messages of the gateway find their organization by
    this row alone, never by what they say themselves."""

    organization_id: uuid.UUID

    organization = models.OneToOneField(
        "tenants.Organization", on_delete=models.PROTECT, related_name="billing_account"
    )
    gateway_ref = models.CharField(max_length=80, unique=True)
    name = models.CharField(max_length=200, blank=True)
    email = models.EmailField(max_length=254)
    # line1, line2, postal_code, city, state, country (ISO 3166 alpha-2), as the gateway has it.
    address = models.JSONField(default=dict, blank=True)
    # kind, value and what the gateway found out about each.
    tax_ids = models.JSONField(default=list, blank=True)
    currency = models.CharField(max_length=3, blank=True)
    # What the gateway owes the organization; it lowers the next invoices.
    credit_minor = models.BigIntegerField(default=0)
    # Which card it is stands at the gateway alone.
    has_payment_method = models.BooleanField(default=False)
    # One trial for each customer.
    trial_used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return self.gateway_ref
