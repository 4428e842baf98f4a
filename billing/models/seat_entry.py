"""The ledger of seats."""

from django.db import models

from billing.enums import EntryKind


class SeatEntry(models.Model):
    """One posting: seats that came or went, and how many were there after it.

    The database posts it, in the statement that changes a holding or the number of seats bought, whoever
    sends that statement; code never inserts here, and nobody changes or deletes (triggers refuse). So there
    are no foreign keys: what it names was there when it was posted, and the ledger outlives it.
    """

    id = models.BigAutoField(primary_key=True)
    organization_id = models.UUIDField()
    subscription_id = models.UUIDField()
    # 1, 2, 3 ... within the subscription: a gap would be an entry that is gone.
    version = models.PositiveIntegerField()
    kind = models.CharField(max_length=10, choices=EntryKind.choices)
    # Bought and comped move the seats there are, the others the seats that are held; 0 for a held seat whose
    # holder joined.
    seats = models.IntegerField()
    membership_id = models.UUIDField(null=True)
    assignment_id = models.UUIDField(null=True)
    purchased_after = models.IntegerField()
    used_after = models.IntegerField()
    # What led to it: a change, a gateway's message, an act on many seats, and its id; empty where nobody
    # said.
    cause = models.CharField(max_length=20, blank=True, db_default="")
    cause_id = models.UUIDField(null=True)
    actor_id = models.UUIDField(null=True)
    # Never before the entry before it.
    at = models.DateTimeField()

    class Meta:
        ordering = ("-id",)
        constraints = [
            # Two postings at once that forgot the lock: one of them is refused.
            models.UniqueConstraint(fields=["subscription_id", "version"], name="one_entry_a_version"),
            models.CheckConstraint(
                name="entry_used_within_purchased",
                condition=models.Q(used_after__gte=0) & models.Q(used_after__lte=models.F("purchased_after")),
            ),
        ]
        indexes = [
            models.Index(fields=["organization_id", "-id"], name="seat_entry_by_organization"),
            models.Index(fields=["membership_id", "-id"], name="seat_entry_by_member"),
        ]

    def __str__(self) -> str:
        return f"{self.version}: {self.kind} {self.seats:+d}, {self.used_after}/{self.purchased_after}"
