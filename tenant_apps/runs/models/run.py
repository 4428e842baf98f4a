"""The run: a dated delivery of one version of a course."""

import uuid

from django.db import models

from shared_apps.core.models import Record
from shared_apps.core.rights import ObjectRight
from tenant_apps.runs.enums import EnrollmentSource, Pacing, RunState
from tenants.rows import TenantRow


class CourseRun(TenantRow, Record):
    """One delivery, pinned to a version; publishing a newer version doesn't move it.

    Window and capacity may be open: no start is "from now", no end "for ever", no capacity "everybody".
    An instant that was given as wall time of the run's zone keeps that text beside it (`..._local`,
    "2026-03-29T09:00"), and is made anew from it when the zone, or the zone's rules, change.
    """

    course_id: uuid.UUID
    version_id: uuid.UUID

    course = models.ForeignKey("courses.Course", on_delete=models.PROTECT, related_name="+")
    version = models.ForeignKey(
        "courses.CourseVersion", on_delete=models.PROTECT, related_name="+", db_index=False
    )
    title = models.CharField(max_length=200)
    state = models.CharField(max_length=12, choices=RunState.choices, default=RunState.OPEN)
    starts_at = models.DateTimeField(null=True, blank=True)
    ends_at = models.DateTimeField(null=True, blank=True)
    timezone = models.CharField(max_length=64, default="UTC")
    capacity = models.PositiveIntegerField(null=True, blank=True)
    starts_local = models.CharField(max_length=16, blank=True, default="", db_default="")
    ends_local = models.CharField(max_length=16, blank=True, default="", db_default="")
    enrollment_opens_at = models.DateTimeField(null=True, blank=True)
    enrollment_closes_at = models.DateTimeField(null=True, blank=True)
    enrollment_opens_local = models.CharField(max_length=16, blank=True, default="", db_default="")
    enrollment_closes_local = models.CharField(max_length=16, blank=True, default="", db_default="")
    pacing = models.CharField(
        max_length=12,
        choices=Pacing.choices,
        default=Pacing.SCHEDULED,
        db_default=Pacing.SCHEDULED.value,
    )
    # The run that stands in where a course is given without dates.
    is_always_open = models.BooleanField(default=False, db_default=False)
    has_waiting_list = models.BooleanField(default=False, db_default=False)
    # Members may enrol themselves.
    is_open_to_members = models.BooleanField(default=False, db_default=False)
    # Instead of the course's price, in minor units of the currency; None leaves the course's.
    price_minor = models.PositiveBigIntegerField(null=True, blank=True)
    currency = models.CharField(max_length=3, blank=True, default="", db_default="")

    class Meta:
        ordering = ("-id",)
        permissions = [("teach_run", "Teach this run"), ("enrol_run", "Enrol people in this run")]
        constraints = [
            models.UniqueConstraint(
                fields=["course"],
                condition=models.Q(is_always_open=True) & ~models.Q(state="cancelled"),
                name="one_always_open_run_per_course",
            ),
            models.CheckConstraint(
                name="run_ends_after_start",
                condition=models.Q(starts_at__isnull=True)
                | models.Q(ends_at__isnull=True)
                | models.Q(ends_at__gt=models.F("starts_at")),
            ),
        ]

    def __str__(self) -> str:
        return self.title


class RunDate(TenantRow, Record):
    """Dates of one module or lesson (by lineage) in one run, as wall time, before the version's."""

    run_id: uuid.UUID

    run = models.ForeignKey("runs.CourseRun", on_delete=models.CASCADE, related_name="dates", db_index=False)
    lineage = models.UUIDField()
    # "2026-03-29T09:00" or empty.
    opens_local = models.CharField(max_length=16, blank=True)
    due_local = models.CharField(max_length=16, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "lineage"], name="one_date_per_unit")]

    def __str__(self) -> str:
        return f"{self.lineage} in {self.run_id}"


class WaitingPlace(TenantRow, Record):
    """A member who waits for a place in a full run; whoever came first goes first."""

    run_id: uuid.UUID
    member_id: uuid.UUID

    run = models.ForeignKey(
        "runs.CourseRun", on_delete=models.CASCADE, related_name="waiting", db_index=False
    )
    member = models.ForeignKey("people.Member", on_delete=models.CASCADE, related_name="+")
    source = models.CharField(max_length=12, choices=EnrollmentSource.choices, default=EnrollmentSource.ADMIN)
    asked_by_id = models.UUIDField(null=True, blank=True)

    class Meta:
        ordering = ("id",)
        constraints = [models.UniqueConstraint(fields=["run", "member"], name="one_waiting_place_per_member")]

    def __str__(self) -> str:
        return f"{self.member_id} waits for {self.run_id}"


class RunRight(ObjectRight, TenantRow):  # type: ignore[misc]  # its manager is guardian's
    """A right (teach, enrol) of one user on one run."""

    content_object = models.ForeignKey("runs.CourseRun", on_delete=models.CASCADE, related_name="rights")

    class Meta(ObjectRight.Meta):
        abstract = False
