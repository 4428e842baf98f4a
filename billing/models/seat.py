"""Who holds, and who held, which seat."""

import uuid

from django.db import models

from billing.enums import SeatEnding, SeatState
from shared_apps.core.models import Record


class SeatAssignment(Record):
    """One holding of one seat by one membership, from assignment to revocation. The rows are the history."""

    subscription_id: uuid.UUID
    membership_id: uuid.UUID
    organization_id: uuid.UUID

    subscription = models.ForeignKey("billing.Subscription", on_delete=models.PROTECT, related_name="seats")
    # Kept beside the subscription so that every selector can demand the organization.
    organization = models.ForeignKey("tenants.Organization", on_delete=models.PROTECT, related_name="+")
    membership = models.ForeignKey("accounts.Membership", on_delete=models.PROTECT, related_name="seats")
    state = models.CharField(max_length=10, choices=SeatState.choices, default=SeatState.INVITED)
    assigned_by_id = models.UUIDField(null=True, blank=True)
    activated_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_by_id = models.UUIDField(null=True, blank=True)
    revoked_reason = models.CharField(max_length=200, blank=True)
    # Empty while it lasts, and for those that ended with their subscription or before this was written.
    ending = models.CharField(max_length=8, choices=SeatEnding.choices, blank=True, db_default="")
    # The acts on many seats that gave it and took it, where it was one.
    given_in_id = models.UUIDField(null=True, blank=True)
    taken_in_id = models.UUIDField(null=True, blank=True)
    # The holding that made room for this one, when a seat was handed on; or, when a seat was taken and given
    # back to the same member, the one that was taken.
    follows = models.ForeignKey("self", on_delete=models.PROTECT, related_name="+", null=True, blank=True)

    class Meta:
        ordering = ("-id",)
        constraints = [
            # The same person claimed twice at once holds one seat.
            models.UniqueConstraint(
                fields=["subscription", "membership"],
                condition=~models.Q(state=SeatState.REVOKED),
                name="one_live_seat_per_member",
            )
        ]

    def __str__(self) -> str:
        return f"{self.membership_id} {self.state}"
