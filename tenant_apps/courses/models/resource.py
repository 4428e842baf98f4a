"""Files and addresses beside a lesson."""

import uuid

from django.db import models

from shared_apps.core.ids import new_id
from shared_apps.core.models import Record
from tenants.rows import TenantRow


class LessonResource(TenantRow, Record):
    """Something to take along: a stored file or an https address. Not downloadable means no address of the
    file is ever given out."""

    version_id: uuid.UUID
    lesson_id: uuid.UUID
    file_id: uuid.UUID | None

    version = models.ForeignKey(
        "courses.CourseVersion", on_delete=models.CASCADE, related_name="resources", db_index=False
    )
    lesson = models.ForeignKey(
        "courses.Lesson", on_delete=models.CASCADE, related_name="resources", db_index=False
    )
    lineage = models.UUIDField(default=new_id, editable=False)
    title = models.CharField(max_length=200)
    file = models.ForeignKey(
        "media.StoredFile", on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    url = models.URLField(max_length=500, blank=True)
    position = models.PositiveIntegerField()
    is_downloadable = models.BooleanField(default=True)

    class Meta:
        ordering = ("position",)
        constraints = [
            models.UniqueConstraint(fields=["version", "lineage"], name="one_resource_per_lineage"),
            models.UniqueConstraint(
                fields=["lesson", "position"],
                name="one_resource_per_position",
                deferrable=models.Deferrable.DEFERRED,
            ),
        ]

    def __str__(self) -> str:
        return self.title
