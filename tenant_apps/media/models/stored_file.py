"""A stored file."""

import uuid

from django.db import models

from shared_apps.core.models import Record
from tenants.rows import TenantRow


class StoredFile(TenantRow, Record):
    """One file. Its bytes lie in the storage under the organization's id; rows never change once written,
    so course versions can share them."""

    uploaded_by_id: uuid.UUID | None

    name = models.CharField(max_length=200)
    content_type = models.CharField(max_length=100)
    size = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64)
    storage_key = models.CharField(max_length=120, unique=True)
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
