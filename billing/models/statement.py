"""Monthly statements: what each line of an invoice stands for, and who held its seats."""

import uuid

from django.db import models

from shared_apps.core.models import Record


class SeatStatement(Record):
    """The true-up of one month of one subscription. It is written once and never changed (a trigger refuses);
    `content_hash` covers its lines and its holdings, so that a copy can be held against it."""

    organization_id: uuid.UUID
    subscription_id: uuid.UUID

    # Each has an index that begins with it.
    organization = models.ForeignKey(
        "tenants.Organization", on_delete=models.PROTECT, related_name="+", db_index=False
    )
    subscription = models.ForeignKey(
        "billing.Subscription", on_delete=models.PROTECT, related_name="+", db_index=False
    )
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    currency = models.CharField(max_length=3, blank=True)
    # Seconds that seats were there, were held, and were held by people who had joined. One seat for a day is
    # 86,400; a month of 100,000 seats needs a bigint.
    purchased_seconds = models.BigIntegerField()
    used_seconds = models.BigIntegerField()
    active_seconds = models.BigIntegerField()
    # Sums over the lines of invoices, before tax.
    invoiced_minor = models.BigIntegerField()
    derived_minor = models.BigIntegerField()
    people = models.PositiveIntegerField()
    # Steps of the number of seats, and the lines of invoices.
    content = models.JSONField()
    content_hash = models.CharField(max_length=64)

    class Meta:
        ordering = ("-starts_at", "-id")
        constraints = [
            # Two workers that make the same month.
            models.UniqueConstraint(fields=["subscription", "starts_at"], name="one_statement_a_month")
        ]
        indexes = [models.Index(fields=["organization", "-starts_at"], name="statement_by_organization")]

    def __str__(self) -> str:
        return f"{self.starts_at:%Y-%m-%d} to {self.ends_at:%Y-%m-%d}"


class StatementHolding(models.Model):
    """One holding of a seat within a statement's month, with the name its holder had then."""

    id = models.BigAutoField(primary_key=True)
    statement = models.ForeignKey(
        SeatStatement, on_delete=models.CASCADE, related_name="holdings", db_index=False
    )
    # 1, 2, 3 ... in the order of the file.
    position = models.PositiveIntegerField()
    assignment_id = models.UUIDField()
    membership_id = models.UUIDField()
    name = models.CharField(max_length=200, blank=True)
    email = models.CharField(max_length=254, blank=True)
    held_from = models.DateTimeField()
    held_to = models.DateTimeField()
    # When its holder joined, at `held_from` or later; None for one who never did.
    active_from = models.DateTimeField(null=True)

    class Meta:
        ordering = ("position",)
        constraints = [
            models.UniqueConstraint(fields=["statement", "position"], name="one_holding_a_position")
        ]

    def __str__(self) -> str:
        return f"{self.email} {self.held_from:%Y-%m-%d} to {self.held_to:%Y-%m-%d}"
