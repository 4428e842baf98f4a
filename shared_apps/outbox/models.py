"""The outbox: what must happen after a commit, written in the same transaction."""

from django.db import models

from shared_apps.core import clock


class OutboxMessage(models.Model):
    """One effect to deliver at least once. The bigint key gives delivery its order."""

    id = models.BigAutoField(primary_key=True)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    updated_at = models.DateTimeField(default=clock.now, editable=False)
    organization_id = models.UUIDField(null=True, blank=True)
    topic = models.CharField(max_length=80)
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
            models.Index(
                fields=["available_at", "id"],
                condition=models.Q(delivered_at__isnull=True, given_up_at__isnull=True),
                name="outbox_due",
            )
        ]

    def __str__(self) -> str:
        return f"{self.topic} #{self.id}"
