"""The enrollment: a member in a run."""

import uuid

from django.db import models

from shared_apps.core.models import Record
from tenant_apps.runs.enums import EnrollmentSource, EnrollmentState
from tenants.rows import TenantRow


class Enrollment(TenantRow, Record):
    """One member in one run; one row for ever, its state moves."""

    run_id: uuid.UUID
    member_id: uuid.UUID

    run = models.ForeignKey(
        "runs.CourseRun", on_delete=models.PROTECT, related_name="enrollments", db_index=False
    )
    member = models.ForeignKey("people.Member", on_delete=models.PROTECT, related_name="+")
    state = models.CharField(max_length=12, choices=EnrollmentState.choices, default=EnrollmentState.ACTIVE)
    source = models.CharField(max_length=12, choices=EnrollmentSource.choices, default=EnrollmentSource.ADMIN)
    enrolled_by_id = models.UUIDField(null=True, blank=True)
    activated_at = models.DateTimeField(null=True, blank=True)
    completed_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-id",)
        constraints = [
            # The same person enrolled twice at once is in the run once.
            models.UniqueConstraint(fields=["run", "member"], name="one_enrollment_per_member")
        ]

    def __str__(self) -> str:
        return f"{self.member_id} in {self.run_id}"
