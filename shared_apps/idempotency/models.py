"""Remembered answers: the same POST sent twice is done once."""

from django.db import models

from shared_apps.core.models import Record


class RememberedAnswer(Record):
    """The answer to a POST that carried an Idempotency-Key; `status` is empty while it runs."""

    organization_id = models.UUIDField(null=True, blank=True)
    caller = models.CharField(max_length=64)
    key = models.CharField(max_length=200)
    request_hash = models.BinaryField(max_length=32)
    status = models.PositiveSmallIntegerField(null=True, blank=True)
    headers = models.JSONField(default=dict)
    body = models.BinaryField(default=b"")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization_id", "caller", "key"],
                name="one_answer_per_key",
                nulls_distinct=False,
            )
        ]

    def __str__(self) -> str:
        return f"{self.caller} {self.key}"
