"""A version of a course: draft until published, frozen from then on."""

import uuid

from django.db import models

from shared_apps.core.models import Record
from tenant_apps.courses.enums import VersionState
from tenants.rows import TenantRow


class CourseVersion(TenantRow, Record):
    """One version. Publishing sets the content hash and freezes it: a trigger refuses any later change of
    the version, its modules and its lessons, so a running learner's course cannot move under them.

    `revision` counts the edits of a draft and is its ETag.
    """

    course_id: uuid.UUID
    based_on_id: uuid.UUID | None

    course = models.ForeignKey(
        "courses.Course", on_delete=models.CASCADE, related_name="versions", db_index=False
    )
    number = models.PositiveIntegerField()
    state = models.CharField(max_length=12, choices=VersionState.choices, default=VersionState.DRAFT)
    revision = models.PositiveIntegerField(default=1)
    based_on = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )
    note = models.CharField(max_length=500, blank=True)
    content_hash = models.CharField(max_length=64, blank=True)
    # `courses.content.rules`: lessons one after another or not, and what completes the course.
    rules = models.JSONField(default=dict, db_default={})
    # The revision that reviewers approved last; only that one is approved.
    approved_revision = models.PositiveIntegerField(null=True, blank=True)
    # Members whose work is in the draft: nobody approves their own.
    editor_ids = models.JSONField(default=list, db_default=[], editable=False)
    module_count = models.PositiveIntegerField(default=0, db_default=0)
    resource_count = models.PositiveIntegerField(default=0, db_default=0)
    minutes = models.PositiveIntegerField(default=0, db_default=0)
    lesson_count = models.PositiveIntegerField(default=0)
    required_count = models.PositiveIntegerField(default=0)
    published_at = models.DateTimeField(null=True, blank=True)
    published_by_id = models.UUIDField(null=True, blank=True)

    class Meta:
        ordering = ("-number",)
        constraints = [
            # Two drafts made at once must not share a number.
            models.UniqueConstraint(fields=["course", "number"], name="one_version_per_number")
        ]

    def __str__(self) -> str:
        return f"version {self.number}"
