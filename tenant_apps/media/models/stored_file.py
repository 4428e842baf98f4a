"""A stored file."""

import uuid

from django.db import models

from shared_apps.core.models import Record
from tenants.rows import TenantRow


class StoredFile(TenantRow, Record):
    """One file. Its bytes lie in the storage under the organization's id, and never change once written, so
    course versions can share them; what the library says of a file can.

    `width` and `height` are those of a picture, in pixels; None for everything else.
    """

    uploaded_by_id: uuid.UUID | None

    name = models.CharField(max_length=200)
    content_type = models.CharField(max_length=100)
    size = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64)
    storage_key = models.CharField(max_length=120, unique=True)
    width = models.PositiveIntegerField(null=True, blank=True)
    height = models.PositiveIntegerField(null=True, blank=True)
    # For whoever cannot see the picture; the one that authors are offered when they show it in a lesson.
    alt_text = models.CharField(max_length=300, blank=True, default="", db_default="")
    caption = models.CharField(max_length=500, blank=True, default="", db_default="")
    uploaded_by = models.ForeignKey(
        "people.Member", on_delete=models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )

    class Meta:
        ordering = ("-id",)
        constraints = [
            # The same bytes under the same name are one file: a repeated import adds nothing.
            models.UniqueConstraint(fields=["sha256", "name"], name="one_file_per_content")
        ]

    def __str__(self) -> str:
        return self.name
