"""Moves of running runs to other versions, kept so that each can be undone."""

import uuid

from django.db import models

from shared_apps.core.models import Record
from tenants.rows import TenantRow


class RunMove(TenantRow, Record):
    """One applied move. `mapping` is what was decided for each lesson, by lineage; `summary` holds the counts
    of the dry run that was applied."""

    run_id: uuid.UUID
    from_version_id: uuid.UUID
    to_version_id: uuid.UUID

    run = models.ForeignKey("runs.CourseRun", on_delete=models.CASCADE, related_name="+", db_index=False)
    from_version = models.ForeignKey(
        "courses.CourseVersion", on_delete=models.PROTECT, related_name="+", db_index=False
    )
    to_version = models.ForeignKey(
        "courses.CourseVersion", on_delete=models.PROTECT, related_name="+", db_index=False
    )
    mapping = models.JSONField(default=dict)
    summary = models.JSONField(default=dict)
    moved_by_id = models.UUIDField(null=True, blank=True)
    undo_until = models.DateTimeField()
    undone_at = models.DateTimeField(null=True, blank=True)
    undone_by_id = models.UUIDField(null=True, blank=True)

    class Meta:
        ordering = ("-id",)
        indexes = [models.Index(fields=["run"], name="moves_by_run")]

    def __str__(self) -> str:
        return f"{self.run_id} to {self.to_version_id}"


class RunMoveLearner(TenantRow, Record):
    """What a move meant for one learner: where they stood before, as undo puts it back, and after."""

    move_id: uuid.UUID
    enrollment_id: uuid.UUID

    move = models.ForeignKey(
        "learning.RunMove", on_delete=models.CASCADE, related_name="learners", db_index=False
    )
    enrollment = models.ForeignKey(
        "runs.Enrollment", on_delete=models.CASCADE, related_name="+", db_index=False
    )
    # State, completed_at, counts and percent; the lessons lost and new, by lineage; dates that change.
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["move", "enrollment"], name="one_effect_per_learner")]

    def __str__(self) -> str:
        return f"{self.enrollment_id} by {self.move_id}"
