"""What differs between us and the gateway."""

import uuid

from django.db import models

from shared_apps.core.models import Record


class Drift(Record):
    """One fact that stands otherwise at the gateway, from the day it was seen to the day it was gone.

    It is told, never corrected: somebody has to say which of the two is right.
    """

    organization_id: uuid.UUID | None

    # None where the gateway has something of a customer nobody here is.
    organization = models.ForeignKey(
        "tenants.Organization", on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    # What it is about, by its name at the gateway.
    subject = models.CharField(max_length=120)
    fact = models.CharField(max_length=40)
    ours = models.CharField(max_length=200, blank=True)
    theirs = models.CharField(max_length=200, blank=True)
    last_seen_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-id",)
        constraints = [
            models.UniqueConstraint(
                fields=["subject", "fact"],
                condition=models.Q(resolved_at=None),
                name="one_open_drift_a_fact",
            )
        ]

    def __str__(self) -> str:
        return f"{self.subject} {self.fact}: {self.ours} here, {self.theirs} there"
