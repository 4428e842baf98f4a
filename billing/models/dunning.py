"""Which reminders of an unpaid subscription went out."""

import uuid

from django.db import models

from shared_apps.core.models import Record


class DunningNotice(Record):
    """One stage that an unpaid subscription reached, told once."""

    organization_id: uuid.UUID
    subscription_id: uuid.UUID

    organization = models.ForeignKey("tenants.Organization", on_delete=models.PROTECT, related_name="+")
    subscription = models.ForeignKey("billing.Subscription", on_delete=models.PROTECT, related_name="notices")
    # The begin of the debt: another one is told anew.
    since = models.DateTimeField()
    stage = models.CharField(max_length=20)

    class Meta:
        ordering = ("-id",)
        constraints = [
            models.UniqueConstraint(fields=["subscription", "since", "stage"], name="one_notice_a_stage")
        ]

    def __str__(self) -> str:
        return f"{self.stage} since {self.since:%Y-%m-%d}"
