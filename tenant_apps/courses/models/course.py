"""The course: the lasting thing that versions are versions of."""

import uuid

from django.db import models

from shared_apps.core.models import Record
from shared_apps.core.rights import ObjectRight
from tenant_apps.courses.enums import CourseState
from tenants.rows import TenantRow


class Course(TenantRow, Record):
    """One course. Learners meet it through runs of one of its published versions."""

    owner_id: uuid.UUID
    current_version_id: uuid.UUID | None

    slug = models.SlugField(max_length=80, db_index=False)
    title = models.CharField(max_length=200)
    summary = models.CharField(max_length=1000, blank=True)
    language = models.CharField(max_length=12, default="en")
    state = models.CharField(max_length=12, choices=CourseState.choices, default=CourseState.DRAFT)
    owner = models.ForeignKey("people.Member", on_delete=models.PROTECT, related_name="+")
    current_version = models.ForeignKey(
        "courses.CourseVersion",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
    )
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("title", "id")
        permissions = [("edit_course", "Edit this course"), ("publish_course", "Publish this course")]
        constraints = [
            # A deleted course keeps its slug aside, so that restore can refuse instead of colliding.
            models.UniqueConstraint(
                fields=["slug"], condition=models.Q(deleted_at__isnull=True), name="one_live_course_per_slug"
            )
        ]

    def __str__(self) -> str:
        return self.title


class CourseRight(ObjectRight, TenantRow):  # type: ignore[misc]  # its manager is guardian's
    """A right (edit, publish) of one user on one course."""

    content_object = models.ForeignKey("courses.Course", on_delete=models.CASCADE, related_name="rights")

    class Meta(ObjectRight.Meta):
        abstract = False
