"""Submissions of drafts, and what was decided."""

import uuid

from django.db import models

from shared_apps.core.models import Record
from tenant_apps.courses.enums import ReviewState
from tenants.rows import TenantRow


class VersionReview(TenantRow, Record):
    """A draft handed in at one revision. Approval is good for that revision alone: an edit ends it."""

    version_id: uuid.UUID
    submitted_by_id: uuid.UUID | None
    decided_by_id: uuid.UUID | None

    version = models.ForeignKey(
        "courses.CourseVersion", on_delete=models.CASCADE, related_name="reviews", db_index=False
    )
    revision = models.PositiveIntegerField()
    state = models.CharField(max_length=12, choices=ReviewState.choices, default=ReviewState.PENDING)
    message = models.CharField(max_length=1000, blank=True)
    submitted_by = models.ForeignKey(
        "people.Member", on_delete=models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )
    decided_by = models.ForeignKey(
        "people.Member", on_delete=models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=1000, blank=True)

    class Meta:
        ordering = ("-id",)
        constraints = [
            # Submitted twice at once, a draft is with its reviewers once.
            models.UniqueConstraint(
                fields=["version"],
                condition=models.Q(state=ReviewState.PENDING),
                name="one_pending_review_per_version",
            )
        ]
        indexes = [models.Index(fields=["version"], name="reviews_by_version")]

    def __str__(self) -> str:
        return f"{self.state} at {self.revision}"
