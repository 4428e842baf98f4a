"""Cohorts: groups of members onboarded together."""

import uuid

from django.db import models

from shared_apps.core.models import Record
from shared_apps.core.rights import ObjectRight
from tenants.rows import TenantRow


class LeaveRule(models.TextChoices):
    """What leaving a cohort does to the enrollment that joining made."""

    KEEP = "keep", "Keep the enrollment"
    WITHDRAW = "withdraw", "Withdraw from the run"


class Cohort(TenantRow, Record):
    """A named group with an optional run: joining enrols, leaving does what the rule says."""

    run_id: uuid.UUID | None

    name = models.CharField(max_length=120)
    run = models.ForeignKey(
        "runs.CourseRun", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    starts_on = models.DateField(null=True, blank=True)
    leave_rule = models.CharField(max_length=10, choices=LeaveRule.choices, default=LeaveRule.KEEP)

    class Meta:
        ordering = ("name",)
        permissions = [("manage_cohort", "Manage this cohort")]
        constraints = [models.UniqueConstraint(fields=["name"], name="one_cohort_per_name")]

    def __str__(self) -> str:
        return self.name


class CohortMember(TenantRow, Record):
    """A member's place in a cohort; leaving stamps the row, coming back clears the stamp."""

    cohort_id: uuid.UUID
    member_id: uuid.UUID

    cohort = models.ForeignKey(
        "cohorts.Cohort", on_delete=models.CASCADE, related_name="places", db_index=False
    )
    member = models.ForeignKey("people.Member", on_delete=models.CASCADE, related_name="+")
    left_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["cohort", "member"], name="one_place_per_cohort")]

    def __str__(self) -> str:
        return f"{self.member_id} in {self.cohort_id}"


class CohortRight(ObjectRight, TenantRow):  # type: ignore[misc]  # its manager is guardian's
    """A right (manage) of one user on one cohort."""

    content_object = models.ForeignKey("cohorts.Cohort", on_delete=models.CASCADE, related_name="rights")

    class Meta(ObjectRight.Meta):
        abstract = False
