"""The outbox: what must happen after a commit, written in the same transaction."""

import uuid

from django.db import models
from django.db.models.functions import Coalesce

from shared_apps.core import clock

# The lane of the platform's own messages, which concern no organization.
PLATFORM_LANE = uuid.UUID(int=0)


class Priority(models.IntegerChoices):
    """Which of an organization's messages go first."""

    URGENT = 0, "Somebody waits for it"
    USUAL = 1, "Usual"


class OutboxMessage(models.Model):
    """One effect to deliver at least once. The bigint key gives delivery its order."""

    id = models.BigAutoField(primary_key=True)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    updated_at = models.DateTimeField(default=clock.now, editable=False)
    organization_id = models.UUIDField(null=True, blank=True)
    topic = models.CharField(max_length=80)
    # The database's own default lets a release that does not know the column go on writing.
    priority = models.PositiveSmallIntegerField(
        choices=Priority.choices, default=Priority.USUAL, db_default=Priority.USUAL
    )
    payload = models.JSONField(default=dict)
    # The same event enqueued twice is one message.
    dedupe_key = models.CharField(max_length=200, unique=True, null=True, blank=True)
    available_at = models.DateTimeField(default=clock.now)
    attempts = models.PositiveSmallIntegerField(default=0)
    delivered_at = models.DateTimeField(null=True, blank=True)
    given_up_at = models.DateTimeField(null=True, blank=True)
    last_error = models.TextField(blank=True)

    class Meta:
        ordering = ("id",)
        indexes = [
            # The relay takes turns over organizations: the first column is whose turn it is.
            models.Index(
                Coalesce("organization_id", models.Value(PLATFORM_LANE)),
                "priority",
                "available_at",
                "id",
                condition=models.Q(delivered_at__isnull=True, given_up_at__isnull=True),
                name="outbox_lanes",
            ),
            # For pruning, and for counting the mails of a day.
            models.Index(
                fields=["delivered_at"],
                condition=models.Q(delivered_at__isnull=False),
                name="outbox_delivered",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.topic} #{self.id}"
