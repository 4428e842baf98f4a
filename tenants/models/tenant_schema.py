"""The pool of tenant schemas."""

from django.db import models

from shared_apps.core.models import Record
from tenants.enums import SchemaState


class TenantSchema(Record):
    """One schema, built ahead or claimed. Its id becomes the id of the organization that claims it.

    A row in `building` that nobody works on any more (a killed worker) is dropped and built again by the
    refill job, so no half-built schema can ever be claimed.
    """

    schema_name = models.CharField(max_length=63, unique=True)
    state = models.CharField(max_length=12, choices=SchemaState.choices, default=SchemaState.BUILDING)
    schema_version = models.CharField(max_length=64, blank=True)
    built_at = models.DateTimeField(null=True, blank=True)
    build_ms = models.PositiveIntegerField(null=True, blank=True)
    claimed_at = models.DateTimeField(null=True, blank=True)
    error = models.TextField(blank=True)

    class Meta:
        ordering = ("id",)
        indexes = [
            # The claim looks for the oldest ready row; claimed rows, nearly all of them, stay out of it.
            models.Index(fields=["id"], condition=models.Q(state="ready"), name="tenant_schema_ready")
        ]

    def __str__(self) -> str:
        return self.schema_name
