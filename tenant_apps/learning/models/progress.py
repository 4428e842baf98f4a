"""Progress: what a learner has done with each lesson, and how far through the course that is."""

import uuid

from django.db import models

from shared_apps.core import clock
from shared_apps.core.models import Record
from tenant_apps.runs.enums import EnrollmentState
from tenants.rows import TenantRow


class LessonRecord(TenantRow, Record):
    """What a learner did with one lesson (or topic) in one attempt. By lineage, so that it is the same in
    whichever version the run has moved on to.

    Attributes:
        lesson: as it stood when the record was made.
        completed_at: once set it stays.
        position_seconds: where audio or video was left.
        watched_seconds: how long was watched, never more than the server's clock allows.
        reached_percent: the furthest point reached, 0 to 100.
        view_count: how often the lesson was opened.
        reported_at: the last report of the player that counted.
        move_id: the move of the run that made it from another lesson's; None for the learner's own.
    """

    enrollment_id: uuid.UUID
    lesson_id: uuid.UUID

    enrollment = models.ForeignKey(
        "runs.Enrollment", on_delete=models.CASCADE, related_name="lesson_records", db_index=False
    )
    attempt = models.PositiveSmallIntegerField(default=1)
    lineage = models.UUIDField()
    lesson = models.ForeignKey("courses.Lesson", on_delete=models.PROTECT, related_name="+", db_index=False)
    opened_at = models.DateTimeField(null=True, blank=True)
    completed_at = models.DateTimeField(null=True, blank=True)
    position_seconds = models.PositiveIntegerField(default=0)
    watched_seconds = models.PositiveIntegerField(default=0)
    reached_percent = models.PositiveSmallIntegerField(default=0)
    view_count = models.PositiveIntegerField(default=0)
    reported_at = models.DateTimeField(null=True, blank=True)
    move_id = models.UUIDField(null=True, blank=True)

    class Meta:
        constraints = [
            # A double click, or a retry after a lost answer, completes once.
            models.UniqueConstraint(fields=["enrollment", "attempt", "lineage"], name="one_record_per_lesson")
        ]

    def __str__(self) -> str:
        return f"{self.enrollment_id} with {self.lineage}"


class LessonProgress(TenantRow, Record):
    """Completions as the release before kept them, by version: nothing of this one reads or writes it. Goes
    with the next contract step; until then a trigger passes on what old servers still write."""

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
    """Progress of one enrollment's current attempt, kept beside it so that lists need no counting; equal to a
    recount. The row appears with the learner's first step.
    """

    enrollment_id: uuid.UUID

    enrollment = models.OneToOneField(
        "runs.Enrollment", on_delete=models.CASCADE, primary_key=True, related_name="progress"
    )
    created_at = models.DateTimeField(default=clock.now, editable=False)
    updated_at = models.DateTimeField(default=clock.now, editable=False)
    completed_count = models.PositiveIntegerField(default=0)
    required_completed_count = models.PositiveIntegerField(default=0)
    completed_weight = models.PositiveIntegerField(default=0, db_default=0)
    last_lesson = models.ForeignKey(
        "courses.Lesson", on_delete=models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )
    last_accessed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        """Its own, so that the base's option of the base manager is not written into migrations."""

    def __str__(self) -> str:
        return f"{self.completed_count} lessons of {self.enrollment_id}"


class EnrollmentAttempt(TenantRow, Record):
    """An attempt that ended with a restart, as it stood then; the current one is the enrollment itself."""

    enrollment_id: uuid.UUID
    version_id: uuid.UUID

    enrollment = models.ForeignKey(
        "runs.Enrollment", on_delete=models.CASCADE, related_name="attempts", db_index=False
    )
    number = models.PositiveSmallIntegerField()
    version = models.ForeignKey(
        "courses.CourseVersion", on_delete=models.PROTECT, related_name="+", db_index=False
    )
    # The enrollment's, when the attempt ended.
    state = models.CharField(max_length=12, choices=EnrollmentState.choices)
    started_at = models.DateTimeField(null=True, blank=True)
    completed_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField()
    completed_count = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    percent = models.PositiveSmallIntegerField(default=0)
    reason = models.CharField(max_length=300, blank=True)
    ended_by_id = models.UUIDField(null=True, blank=True)

    class Meta:
        ordering = ("number",)
        constraints = [
            models.UniqueConstraint(fields=["enrollment", "number"], name="one_attempt_per_number")
        ]

    def __str__(self) -> str:
        return f"attempt {self.number} of {self.enrollment_id}"
