"""Who makes courses: what an instructor says of themselves, and who has which part in which course."""

import uuid

from django.db import models

from shared_apps.core import clock
from shared_apps.core.models import Record
from tenant_apps.courses.enums import InstructorRole, InstructorState
from tenants.rows import TenantRow


class InstructorProfile(TenantRow):
    """The card of an instructor, and whether their courses may be published.

    Lists are JSON: `expertise` of texts, `links` of site name to https address, `certifications` and
    `achievements` of objects with title, issuer and year.
    """

    member_id: uuid.UUID

    member = models.OneToOneField(
        "people.Member", on_delete=models.CASCADE, primary_key=True, related_name="+"
    )
    created_at = models.DateTimeField(default=clock.now, editable=False)
    updated_at = models.DateTimeField(default=clock.now, editable=False)
    headline = models.CharField(max_length=200, blank=True)
    short_bio = models.CharField(max_length=500, blank=True)
    bio = models.TextField(blank=True)
    # Cleaned when written, never when read.
    bio_html = models.TextField(blank=True, editable=False)
    expertise = models.JSONField(default=list)
    links = models.JSONField(default=dict)
    certifications = models.JSONField(default=list)
    achievements = models.JSONField(default=list)
    state = models.CharField(max_length=12, choices=InstructorState.choices, default=InstructorState.PENDING)
    state_reason = models.CharField(max_length=1000, blank=True)
    state_changed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        """Its own, so that the base's option of the base manager is not written into migrations."""

    def __str__(self) -> str:
        return self.headline or str(self.member_id)


class CourseInstructor(TenantRow, Record):
    """A member's part in a course. Shares of a course sum to 100 percent."""

    course_id: uuid.UUID
    member_id: uuid.UUID

    course = models.ForeignKey(
        "courses.Course", on_delete=models.CASCADE, related_name="instructors", db_index=False
    )
    member = models.ForeignKey("people.Member", on_delete=models.PROTECT, related_name="+")
    role = models.CharField(max_length=16, choices=InstructorRole.choices)
    share_percent = models.DecimalField(max_digits=5, decimal_places=2, default=0)
    position = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ("position", "id")
        constraints = [
            models.UniqueConstraint(fields=["course", "member"], name="one_part_per_instructor"),
            models.UniqueConstraint(
                fields=["course"],
                condition=models.Q(role=InstructorRole.PRIMARY),
                name="one_primary_per_course",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.role} {self.member_id}"
