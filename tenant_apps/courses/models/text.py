"""Texts of lessons, shared by the versions that say the same; their translations; what is being written."""

import uuid

from django.db import models

from shared_apps.core.models import Record
from tenant_apps.courses.enums import BodyFormat
from tenants.rows import TenantRow


class LessonText(TenantRow, Record):
    """A body and its safe HTML. Never changed (a trigger refuses): a lesson that is edited gets another one,
    so copying a version copies no text, and two lessons with one text are known to be equal unread."""

    body_format = models.CharField(max_length=10, choices=BodyFormat.choices, default=BodyFormat.MARKDOWN)
    body = models.TextField(blank=True)
    # Cleaned when written, never when read.
    body_html = models.TextField(blank=True, editable=False)
    # SHA-256 of format and body, 64 hex digits.
    digest = models.CharField(max_length=64)

    class Meta:
        """Its own, so that the base's option of the base manager is not written into migrations."""

    def __str__(self) -> str:
        return self.digest[:12]


class Translation(TenantRow, Record):
    """Title, summary and text of a module or lesson (by lineage) of a version in another language."""

    version_id: uuid.UUID
    text_id: uuid.UUID | None

    version = models.ForeignKey(
        "courses.CourseVersion", on_delete=models.CASCADE, related_name="translations", db_index=False
    )
    lineage = models.UUIDField()
    # BCP 47, such as "de" or "pt-BR".
    language = models.CharField(max_length=12)
    title = models.CharField(max_length=200, blank=True)
    summary = models.CharField(max_length=1000, blank=True)
    text = models.ForeignKey(
        "courses.LessonText", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["version", "lineage", "language"], name="one_translation_per_language"
            )
        ]

    def __str__(self) -> str:
        return f"{self.language} of {self.lineage}"


class WorkingCopy(TenantRow, Record):
    """What a member is writing in a lesson and has not saved: nothing is lost, nobody is overwritten."""

    lesson_id: uuid.UUID
    member_id: uuid.UUID

    lesson = models.ForeignKey(
        "courses.Lesson", on_delete=models.CASCADE, related_name="working_copies", db_index=False
    )
    member = models.ForeignKey("people.Member", on_delete=models.CASCADE, related_name="+", db_index=False)
    facts = models.JSONField(default=dict)
    # Of the lesson, when the writing began.
    based_on_revision = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["lesson", "member"], name="one_working_copy_per_member")
        ]

    def __str__(self) -> str:
        return f"{self.member_id} in {self.lesson_id}"
