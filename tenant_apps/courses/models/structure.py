"""Modules and lessons of one version."""

import uuid

from django.db import models

from shared_apps.core.ids import new_id
from shared_apps.core.models import Record
from tenant_apps.courses.enums import BodyFormat, LessonKind
from tenants.rows import TenantRow


class Module(TenantRow, Record):
    """A section of a version. `lineage` stays the same in every copy, so versions can be compared."""

    version_id: uuid.UUID

    version = models.ForeignKey(
        "courses.CourseVersion", on_delete=models.CASCADE, related_name="modules", db_index=False
    )
    lineage = models.UUIDField(default=new_id, editable=False)
    # The author's key in a course folder; empty for modules made over the API.
    key = models.CharField(max_length=80, blank=True)
    title = models.CharField(max_length=200)
    summary = models.CharField(max_length=1000, blank=True)
    position = models.PositiveIntegerField()

    class Meta:
        ordering = ("position",)
        constraints = [
            # Deferred to the commit, so a reorder is one UPDATE that may pass through collisions.
            models.UniqueConstraint(
                fields=["version", "position"],
                name="one_module_per_position",
                deferrable=models.Deferrable.DEFERRED,
            )
        ]

    def __str__(self) -> str:
        return self.title


class Lesson(TenantRow, Record):
    """A lesson of a module. The version is kept beside the module so that a whole tree is two queries."""

    version_id: uuid.UUID
    module_id: uuid.UUID
    document_id: uuid.UUID | None

    version = models.ForeignKey(
        "courses.CourseVersion", on_delete=models.CASCADE, related_name="lessons", db_index=False
    )
    module = models.ForeignKey(
        "courses.Module", on_delete=models.CASCADE, related_name="lessons", db_index=False
    )
    lineage = models.UUIDField(default=new_id, editable=False)
    key = models.CharField(max_length=80, blank=True)
    title = models.CharField(max_length=200)
    kind = models.CharField(max_length=12, choices=LessonKind.choices, default=LessonKind.TEXT)
    position = models.PositiveIntegerField()
    is_published = models.BooleanField(default=True)
    is_required = models.BooleanField(default=True)
    minutes = models.PositiveSmallIntegerField(default=0)
    body_format = models.CharField(max_length=10, choices=BodyFormat.choices, default=BodyFormat.MARKDOWN)
    body = models.TextField(blank=True)
    # Cleaned when written, never when read.
    body_html = models.TextField(blank=True, editable=False)
    document = models.ForeignKey(
        "media.StoredFile", on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    embed_url = models.URLField(max_length=500, blank=True)

    class Meta:
        ordering = ("position",)
        indexes = [models.Index(fields=["version"], name="lessons_by_version")]
        constraints = [
            models.UniqueConstraint(
                fields=["module", "position"],
                name="one_lesson_per_position",
                deferrable=models.Deferrable.DEFERRED,
            )
        ]

    def __str__(self) -> str:
        return self.title
