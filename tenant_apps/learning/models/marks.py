"""What learners leave in lessons for themselves."""

import uuid

from django.db import models

from shared_apps.core.models import Record
from tenant_apps.learning.enums import MarkKind
from tenants.rows import TenantRow


class LessonMark(TenantRow, Record):
    """A bookmark or a note of a learner in a lesson (by lineage), with its place in the audio or video."""

    enrollment_id: uuid.UUID

    enrollment = models.ForeignKey(
        "runs.Enrollment", on_delete=models.CASCADE, related_name="marks", db_index=False
    )
    lineage = models.UUIDField()
    kind = models.CharField(max_length=8, choices=MarkKind.choices)
    position_seconds = models.PositiveIntegerField(null=True, blank=True)
    # "#rrggbb", or empty.
    colour = models.CharField(max_length=7, blank=True)
    body = models.TextField(blank=True)

    class Meta:
        ordering = ("-id",)
        indexes = [models.Index(fields=["enrollment"], name="marks_by_enrollment")]

    def __str__(self) -> str:
        return f"{self.kind} in {self.lineage}"
