"""The enrollment: a member in a run, and the grants that its access is derived from."""

import uuid

from django.db import models

from shared_apps.core.models import Record
from tenant_apps.runs.enums import EnrollmentSource, EnrollmentState
from tenants.rows import TenantRow


class Enrollment(TenantRow, Record):
    """One member in one run; one row for ever, its state moves.

    `expires_at` is where the last live grant ends. Learning again after a restart is another `attempt` of the
    same enrollment; what was reached in those before stays on record.
    """

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
    attempt = models.PositiveSmallIntegerField(default=1, db_default=1)
    # When the current attempt began; what "days after the start" counts from. None: with the activation.
    started_at = models.DateTimeField(null=True, blank=True)
    state_reason = models.CharField(max_length=300, blank=True, default="", db_default="")
    # What was paid, in minor units, as it was then; later changes of price leave it alone.
    price_paid_minor = models.PositiveBigIntegerField(null=True, blank=True)
    price_currency = models.CharField(max_length=3, blank=True, default="", db_default="")
    order_id = models.UUIDField(null=True, blank=True)

    class Meta:
        ordering = ("-id",)
        constraints = [
            # The same person enrolled twice at once is in the run once.
            models.UniqueConstraint(fields=["run", "member"], name="one_enrollment_per_member")
        ]
        indexes = [
            # What the job that ends access looks for.
            models.Index(
                fields=["expires_at"],
                condition=models.Q(expires_at__isnull=False),
                name="enrollments_to_expire",
            )
        ]

    def __str__(self) -> str:
        return f"{self.member_id} in {self.run_id}"


class AccessGrant(TenantRow, Record):
    """One reason for an enrollment's access: whoever gave it, from when until when. Access is any live grant,
    so that taking one away never cuts another."""

    enrollment_id: uuid.UUID

    enrollment = models.ForeignKey(
        "runs.Enrollment", on_delete=models.CASCADE, related_name="grants", db_index=False
    )
    source = models.CharField(max_length=12, choices=EnrollmentSource.choices)
    # The order line, bundle, cohort or path it came from; empty for an administrator's.
    reference = models.CharField(max_length=64, blank=True)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=300, blank=True)
    granted_by_id = models.UUIDField(null=True, blank=True)

    class Meta:
        constraints = [
            # Given twice for one order line, it is one grant.
            models.UniqueConstraint(fields=["enrollment", "source", "reference"], name="one_grant_per_source")
        ]

    def __str__(self) -> str:
        return f"{self.source} for {self.enrollment_id}"
