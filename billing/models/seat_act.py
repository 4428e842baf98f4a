"""Acts on many seats at once, which can be undone."""

import uuid

from django.db import models

from billing.enums import SeatActKind
from shared_apps.core.models import Record


class SeatAct(Record):
    """One bulk act: whom it gave seats, or took them from. Its inverse is told from the rows it made."""

    organization_id: uuid.UUID
    subscription_id: uuid.UUID

    organization = models.ForeignKey("tenants.Organization", on_delete=models.PROTECT, related_name="+")
    subscription = models.ForeignKey("billing.Subscription", on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=8, choices=SeatActKind.choices)
    # Ids of the memberships whose seats it changed.
    membership_ids = models.JSONField(default=list)
    reason = models.CharField(max_length=200, blank=True)
    acted_by_id = models.UUIDField(null=True, blank=True)
    undo_until = models.DateTimeField()
    undone_at = models.DateTimeField(null=True, blank=True)
    # The act that this one undid.
    undoes = models.OneToOneField(
        "self", on_delete=models.PROTECT, related_name="undone_by", null=True, blank=True
    )

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"{self.kind} {len(self.membership_ids)}"
