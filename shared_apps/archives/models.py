"""Archives that were asked for: where they lie and until when."""

import uuid

from django.db import models

from shared_apps.archives.enums import ArchiveState
from shared_apps.core.models import Record


class Archive(Record):
    """One export of one organization as one signed file, kept in the organization's own storage."""

    organization_id: uuid.UUID

    organization = models.ForeignKey("tenants.Organization", on_delete=models.PROTECT, related_name="+")
    job_id = models.UUIDField(null=True, blank=True)
    state = models.CharField(max_length=10, choices=ArchiveState.choices, default=ArchiveState.BUILDING)
    reason = models.CharField(max_length=200, blank=True)
    requested_by_id = models.UUIDField(null=True, blank=True)
    requested_by = models.CharField(max_length=254, blank=True)
    # How long it is kept once it is ready.
    keep_seconds = models.PositiveIntegerField()
    storage_key = models.CharField(max_length=120, blank=True)
    size = models.PositiveBigIntegerField(default=0)
    sha256 = models.CharField(max_length=64, blank=True)
    rows = models.PositiveBigIntegerField(default=0)
    files = models.PositiveBigIntegerField(default=0)
    schema_level = models.PositiveIntegerField(default=0)
    key_id = models.CharField(max_length=16, blank=True)
    error_code = models.CharField(max_length=80, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-id",)
        constraints = [
            # Two requests at once: one export of an organization runs at a time.
            models.UniqueConstraint(
                fields=["organization"], condition=models.Q(state="building"), name="one_export_at_a_time"
            )
        ]

    def __str__(self) -> str:
        return f"archive of {self.organization_id}, {self.created_at:%Y-%m-%d %H:%M}"
