"""Roster imports: an uploaded HR export, the plan made from it, and what applying did."""

import uuid

from django.db import models

from shared_apps.core.models import Record
from tenant_apps.rosters.enums import ImportState, RowAction, RowResult
from tenants.rows import TenantRow


class RosterImport(TenantRow, Record):
    """One uploaded file and its plan. The rows carry what was understood; the file itself is not kept."""

    uploaded_by_id: uuid.UUID | None

    file_name = models.CharField(max_length=200)
    file_sha256 = models.CharField(max_length=64)
    file_size = models.PositiveIntegerField()
    encoding = models.CharField(max_length=20)
    delimiter = models.CharField(max_length=2)
    columns = models.JSONField(default=list)
    ignored_columns = models.JSONField(default=list)
    options = models.JSONField(default=dict)
    state = models.CharField(max_length=10, choices=ImportState.choices, default=ImportState.PLANNED)
    counts = models.JSONField(default=dict)
    seats_needed = models.PositiveIntegerField(default=0)
    seats_free = models.PositiveIntegerField(default=0)
    job_id = models.UUIDField(null=True, blank=True)
    uploaded_by = models.ForeignKey(
        "people.Member", on_delete=models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )
    applied_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return self.file_name


class RosterRow(TenantRow):
    """One row of the file. The number is the key within the import, so a plan loads by COPY in file order."""

    roster_id: uuid.UUID

    pk = models.CompositePrimaryKey("roster_id", "number")
    roster = models.ForeignKey(
        "rosters.RosterImport", on_delete=models.CASCADE, related_name="rows", db_index=False
    )
    number = models.PositiveIntegerField()
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    action = models.CharField(max_length=8, choices=RowAction.choices)
    # Normalised values by column name; for a change also what they were.
    values = models.JSONField(default=dict)
    changes = models.JSONField(default=dict)
    # [{"column", "code", "severity", "value", "advice"}]
    issues = models.JSONField(default=list)
    result = models.CharField(max_length=10, choices=RowResult.choices, default=RowResult.PENDING)
    result_code = models.CharField(max_length=60, blank=True)
    member_id = models.UUIDField(null=True, blank=True)

    class Meta:
        ordering = ("number",)

    def __str__(self) -> str:
        return f"row {self.number}: {self.action}"
