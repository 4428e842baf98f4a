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
    # Rules of `courses.content.rules`, in their JSON form: when it opens, what must be done before, by when
    # it is due.
    release = models.JSONField(null=True, blank=True)
    requires = models.JSONField(default=list, db_default=[])
    due = models.JSONField(null=True, blank=True)

    class Meta:
        ordering = ("position",)
        constraints = [
            models.UniqueConstraint(fields=["version", "lineage"], name="one_module_per_lineage"),
            # Deferred to the commit, so a reorder is one UPDATE that may pass through collisions.
            models.UniqueConstraint(
                fields=["version", "position"],
                name="one_module_per_position",
                deferrable=models.Deferrable.DEFERRED,
            ),
        ]

    def __str__(self) -> str:
        return self.title


class Lesson(TenantRow, Record):
    """A lesson of a module, or with a `parent` a topic of that lesson (the optional third level).

    The version is kept beside the module so that a whole tree is two queries. `revision` counts the edits of
    this one row, so that two authors at work on two lessons don't get in each other's way.
    """

    version_id: uuid.UUID
    module_id: uuid.UUID
    parent_id: uuid.UUID | None
    text_id: uuid.UUID | None
    document_id: uuid.UUID | None

    version = models.ForeignKey(
        "courses.CourseVersion", on_delete=models.CASCADE, related_name="lessons", db_index=False
    )
    module = models.ForeignKey(
        "courses.Module", on_delete=models.CASCADE, related_name="lessons", db_index=False
    )
    parent = models.ForeignKey(
        "self", on_delete=models.CASCADE, null=True, blank=True, related_name="topics", db_index=False
    )
    lineage = models.UUIDField(default=new_id, editable=False)
    key = models.CharField(max_length=80, blank=True)
    revision = models.PositiveIntegerField(default=1, db_default=1)
    title = models.CharField(max_length=200)
    kind = models.CharField(max_length=12, choices=LessonKind.choices, default=LessonKind.TEXT)
    position = models.PositiveIntegerField()
    is_published = models.BooleanField(default=True)
    is_required = models.BooleanField(default=True)
    minutes = models.PositiveSmallIntegerField(default=0)
    text = models.ForeignKey(
        "courses.LessonText", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    # Where texts stood before they had rows of their own; nothing reads them once `text` is set.
    body_format = models.CharField(max_length=10, choices=BodyFormat.choices, default=BodyFormat.MARKDOWN)
    body = models.TextField(blank=True)
    # Cleaned when written, never when read.
    body_html = models.TextField(blank=True, editable=False)
    document = models.ForeignKey(
        "media.StoredFile", on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    embed_url = models.URLField(max_length=500, blank=True)
    # Of an audio or video file elsewhere, https.
    media_url = models.URLField(max_length=500, blank=True, default="", db_default="")
    # Length of audio or video; 0 when the author gave none.
    duration_seconds = models.PositiveIntegerField(default=0, db_default=0)
    # What a quiz, assignment, live class or SCORM lesson stands for, in the app that holds it.
    linked_id = models.UUIDField(null=True, blank=True)
    is_preview = models.BooleanField(default=False, db_default=False)
    is_downloadable = models.BooleanField(default=True, db_default=True)
    # Its part in the course's percentage.
    weight = models.PositiveSmallIntegerField(default=1, db_default=1)
    release = models.JSONField(null=True, blank=True)
    requires = models.JSONField(default=list, db_default=[])
    due = models.JSONField(null=True, blank=True)

    class Meta:
        ordering = ("position",)
        constraints = [
            models.UniqueConstraint(fields=["version", "lineage"], name="one_lesson_per_lineage"),
            models.UniqueConstraint(
                fields=["module", "parent", "position"],
                name="one_lesson_per_place",
                deferrable=models.Deferrable.DEFERRED,
                nulls_distinct=False,
            ),
        ]

    def __str__(self) -> str:
        return self.title
