"""Progress: which lessons a learner has completed, and how far through the course that is."""

import uuid

from django.db import models

from shared_apps.core import clock
from shared_apps.core.models import Record
from tenants.rows import TenantRow


class LessonProgress(TenantRow, Record):
    """A learner's completion of one lesson in one run. Written once."""

    enrollment_id: uuid.UUID
    lesson_id: uuid.UUID

    enrollment = models.ForeignKey(
        "runs.Enrollment", on_delete=models.CASCADE, related_name="lesson_progress", db_index=False
    )
    lesson = models.ForeignKey("courses.Lesson", on_delete=models.PROTECT, related_name="+", db_index=False)
    completed_at = models.DateTimeField()

    class Meta:
        constraints = [
            # A double click, or a retry after a lost answer, completes once.
            models.UniqueConstraint(fields=["enrollment", "lesson"], name="one_completion_per_lesson")
        ]

    def __str__(self) -> str:
        return f"{self.enrollment_id} completed {self.lesson_id}"


class CourseProgress(TenantRow):
    """Progress of one enrollment, kept beside it so that lists need no counting; equal to a recount.

    The row appears with the learner's first step.
    """

    enrollment_id: uuid.UUID

    enrollment = models.OneToOneField(
        "runs.Enrollment", on_delete=models.CASCADE, primary_key=True, related_name="progress"
    )
    created_at = models.DateTimeField(default=clock.now, editable=False)
    updated_at = models.DateTimeField(default=clock.now, editable=False)
    completed_count = models.PositiveIntegerField(default=0)
    required_completed_count = models.PositiveIntegerField(default=0)
    last_lesson = models.ForeignKey(
        "courses.Lesson", on_delete=models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )
    last_accessed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        """Its own, so that the base's option of the base manager is not written into migrations."""

    def __str__(self) -> str:
        return f"{self.completed_count} lessons of {self.enrollment_id}"
