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
    email = models.EmailField(max_length=254)
    currency = models.CharField(max_length=3, blank=True)

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return self.gateway_ref
