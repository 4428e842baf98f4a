"""The run: a dated delivery of one version of a course."""

import uuid

from django.db import models

from shared_apps.core.models import Record
from shared_apps.core.rights import ObjectRight
from tenant_apps.runs.enums import RunState
from tenants.rows import TenantRow


class CourseRun(TenantRow, Record):
    """One delivery, pinned to a version; publishing a newer version doesn't move it.

    Window and capacity may be open: no start is "from now", no end "for ever", no capacity "everybody".
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

    class Meta:
        ordering = ("-id",)
        permissions = [("teach_run", "Teach this run"), ("enrol_run", "Enrol people in this run")]
        constraints = [
            models.CheckConstraint(
                name="run_ends_after_start",
                condition=models.Q(starts_at__isnull=True)
                | models.Q(ends_at__isnull=True)
                | models.Q(ends_at__gt=models.F("starts_at")),
            )
        ]

    def __str__(self) -> str:
        return self.title


class RunRight(ObjectRight, TenantRow):  # type: ignore[misc]  # its manager is guardian's
    """A right (teach, enrol) of one user on one run."""

    content_object = models.ForeignKey("runs.CourseRun", on_delete=models.CASCADE, related_name="rights")

    class Meta(ObjectRight.Meta):
        abstract = False
