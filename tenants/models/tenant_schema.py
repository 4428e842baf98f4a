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
    # The number of tenant migrations it went through; below the code's it is behind (tenants.ddl).
    schema_level = models.PositiveIntegerField(default=0)
    built_at = models.DateTimeField(null=True, blank=True)
    build_ms = models.PositiveIntegerField(null=True, blank=True)
    claimed_at = models.DateTimeField(null=True, blank=True)
    error = models.TextField(blank=True)
    migrated_at = models.DateTimeField(null=True, blank=True)
    # How often it failed since it last succeeded, and what the last failure said.
    migration_attempts = models.PositiveSmallIntegerField(default=0)
    migration_error = models.TextField(blank=True)
    # "app.name:3" while a migration runs that cannot be one transaction: so many of its operations are done.
    migration_step = models.CharField(max_length=200, blank=True)
    last_run = models.ForeignKey(
        "tenants.MigrationRun", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        ordering = ("id",)
        indexes = [
            # The claim looks for the oldest ready row; claimed rows, nearly all of them, stay out of it.
            models.Index(fields=["id"], condition=models.Q(state="ready"), name="tenant_schema_ready"),
            # "Who is behind?" is asked at each deployment and answered without looking into any schema.
            models.Index(fields=["schema_level"], name="tenant_schema_level"),
        ]

    def __str__(self) -> str:
        return self.schema_name
