"""Learning paths: courses, milestones, quizzes and projects in an order, and who is how far along."""

import uuid

from django.db import models

from shared_apps.core.models import Record
from shared_apps.core.rights import ObjectRight
from tenant_apps.courses.enums import Level, PriceType
from tenant_apps.paths.enums import PathEnrollmentState, PathState, StepKind, StepState
from tenants.rows import TenantRow


class LearningPath(TenantRow, Record):
    """A path. `revision` counts the edits of the path and its steps, and is their ETag.

    Money is in minor units of `currency` (ISO 4217, lower case); `outcomes` are the skills it leads to, plain
    texts in order.
    """

    owner_id: uuid.UUID

    slug = models.SlugField(max_length=80, db_index=False)
    title = models.CharField(max_length=200)
    summary = models.CharField(max_length=1000, blank=True)
    level = models.CharField(max_length=12, choices=Level.choices, default=Level.ALL)
    hours = models.PositiveSmallIntegerField(default=0)
    outcomes = models.JSONField(default=list)
    # Required steps one after another, or in any order.
    is_sequential = models.BooleanField(default=True)
    # Members may begin it by themselves.
    is_open_to_members = models.BooleanField(default=False)
    price_type = models.CharField(max_length=12, choices=PriceType.choices, default=PriceType.FREE)
    price_minor = models.PositiveBigIntegerField(null=True, blank=True)
    currency = models.CharField(max_length=3, blank=True)
    state = models.CharField(max_length=12, choices=PathState.choices, default=PathState.DRAFT)
    revision = models.PositiveIntegerField(default=1)
    owner = models.ForeignKey("people.Member", on_delete=models.PROTECT, related_name="+", db_index=False)
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("title", "id")
        permissions = [("manage_path", "Manage this path")]
        constraints = [
            models.UniqueConstraint(
                fields=["slug"], condition=models.Q(deleted_at__isnull=True), name="one_live_path_per_slug"
            )
        ]

    def __str__(self) -> str:
        return self.title


class PathStep(TenantRow, Record):
    """One step. A step that was taken out stays, with what people did in it, and counts no more.

    Attributes:
        course, run: of a course step; without a run the course's always-open one is used.
        is_locked: closed for everybody until it is unlocked.
        due_days: days after somebody's start; their pauses don't count.
        pass_percent: score that passes a quiz.
        is_by_hand: a milestone that somebody has to confirm; else it is reached with the steps before it.
    """

    path_id: uuid.UUID
    course_id: uuid.UUID | None
    run_id: uuid.UUID | None

    path = models.ForeignKey(
        "paths.LearningPath", on_delete=models.CASCADE, related_name="steps", db_index=False
    )
    kind = models.CharField(max_length=12, choices=StepKind.choices)
    title = models.CharField(max_length=200)
    summary = models.CharField(max_length=1000, blank=True)
    position = models.PositiveIntegerField()
    is_required = models.BooleanField(default=True)
    is_locked = models.BooleanField(default=False)
    due_days = models.PositiveSmallIntegerField(null=True, blank=True)
    course = models.ForeignKey(
        "courses.Course", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    run = models.ForeignKey(
        "runs.CourseRun", on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    pass_percent = models.PositiveSmallIntegerField(null=True, blank=True)
    is_by_hand = models.BooleanField(default=False)
    removed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("position", "id")
        indexes = [models.Index(fields=["path"], name="steps_by_path")]
        constraints = [
            models.CheckConstraint(
                name="course_steps_have_a_course",
                condition=models.Q(kind=StepKind.COURSE, course__isnull=False)
                | (~models.Q(kind=StepKind.COURSE) & models.Q(course__isnull=True)),
            )
        ]

    def __str__(self) -> str:
        return self.title


class PathEnrollment(TenantRow, Record):
    """A member on a path; one row for ever, its state moves. `percent` and `current_step` are those of a
    recount."""

    path_id: uuid.UUID
    member_id: uuid.UUID
    current_step_id: uuid.UUID | None

    path = models.ForeignKey(
        "paths.LearningPath", on_delete=models.PROTECT, related_name="enrollments", db_index=False
    )
    member = models.ForeignKey("people.Member", on_delete=models.PROTECT, related_name="+")
    state = models.CharField(
        max_length=12, choices=PathEnrollmentState.choices, default=PathEnrollmentState.ACTIVE
    )
    enrolled_by_id = models.UUIDField(null=True, blank=True)
    started_at = models.DateTimeField()
    completed_at = models.DateTimeField(null=True, blank=True)
    paused_at = models.DateTimeField(null=True, blank=True)
    # Of ended pauses, together.
    paused_seconds = models.PositiveBigIntegerField(default=0)
    percent = models.PositiveSmallIntegerField(default=0)
    current_step = models.ForeignKey(
        "paths.PathStep", on_delete=models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )

    class Meta:
        ordering = ("-id",)
        constraints = [models.UniqueConstraint(fields=["path", "member"], name="one_place_per_path")]

    def __str__(self) -> str:
        return f"{self.member_id} on {self.path_id}"


class StepRecord(TenantRow, Record):
    """What became of a step for one learner."""

    enrollment_id: uuid.UUID
    step_id: uuid.UUID

    enrollment = models.ForeignKey(
        "paths.PathEnrollment", on_delete=models.CASCADE, related_name="records", db_index=False
    )
    step = models.ForeignKey("paths.PathStep", on_delete=models.PROTECT, related_name="+", db_index=False)
    state = models.CharField(max_length=12, choices=StepState.choices, default=StepState.STARTED)
    # The enrollment in the course's run that the step was started with.
    course_enrollment_id = models.UUIDField(null=True, blank=True)
    submission = models.TextField(blank=True)
    submission_url = models.URLField(max_length=500, blank=True)
    submitted_at = models.DateTimeField(null=True, blank=True)
    score_percent = models.PositiveSmallIntegerField(null=True, blank=True)
    reason = models.CharField(max_length=1000, blank=True)
    decided_by_id = models.UUIDField(null=True, blank=True)
    completed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["enrollment", "step"], name="one_record_per_step")]

    def __str__(self) -> str:
        return f"{self.state}: {self.step_id}"


class PathRight(ObjectRight, TenantRow):  # type: ignore[misc]  # its manager is guardian's
    """A right (manage) of one user on one path."""

    content_object = models.ForeignKey("paths.LearningPath", on_delete=models.CASCADE, related_name="rights")

    class Meta(ObjectRight.Meta):
        abstract = False
