"""The course: the lasting thing that versions are versions of."""

import uuid

from django.db import models

from shared_apps.core.models import Record
from shared_apps.core.rights import ObjectRight
from tenant_apps.courses.enums import AccessType, CourseState, Level, PriceType
from tenants.rows import TenantRow


class Course(TenantRow, Record):
    """One course. Learners meet it through runs of one of its published versions.

    Money is in minor units of `currency` (ISO 4217, lower case). Lists are JSON arrays of plain text in the
    order they are shown; `switches` holds what was switched away from its default, `translations` title and
    summary by language.
    """

    owner_id: uuid.UUID
    current_version_id: uuid.UUID | None
    category_id: uuid.UUID | None
    subcategory_id: uuid.UUID | None

    slug = models.SlugField(max_length=80, db_index=False)
    title = models.CharField(max_length=200)
    summary = models.CharField(max_length=1000, blank=True)
    language = models.CharField(max_length=12, default="en")
    state = models.CharField(max_length=16, choices=CourseState.choices, default=CourseState.DRAFT)
    state_reason = models.CharField(max_length=1000, blank=True, default="", db_default="")
    state_changed_at = models.DateTimeField(null=True, blank=True)
    # What an archived course goes back to: an unpublished one must not come out of the archive published.
    archived_from = models.CharField(max_length=16, blank=True, default="", db_default="", editable=False)
    # Counts the edits of the course's own facts, and is their ETag; a draft's content has its version's.
    revision = models.PositiveIntegerField(default=1, db_default=1)
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
    category = models.ForeignKey(
        "courses.Category",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
    )
    subcategory = models.ForeignKey(
        "courses.Category",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
    )
    level = models.CharField(
        max_length=12, choices=Level.choices, default=Level.ALL, db_default=Level.ALL.value
    )
    tags = models.JSONField(default=list, db_default=[])
    caption_languages = models.JSONField(default=list, db_default=[])
    requirements = models.JSONField(default=list, db_default=[])
    outcomes = models.JSONField(default=list, db_default=[])
    audience = models.JSONField(default=list, db_default=[])
    flags = models.JSONField(default=list, db_default=[])
    seo = models.JSONField(default=dict, db_default={})
    # Whether members find it in the catalogue; who is enrolled learns all the same.
    is_listed = models.BooleanField(default=True, db_default=True)
    switches = models.JSONField(default=dict, db_default={})
    translations = models.JSONField(default=dict, db_default={})
    price_type = models.CharField(
        max_length=12, choices=PriceType.choices, default=PriceType.FREE, db_default=PriceType.FREE.value
    )
    price_minor = models.PositiveBigIntegerField(null=True, blank=True)
    compare_at_minor = models.PositiveBigIntegerField(null=True, blank=True)
    currency = models.CharField(max_length=3, blank=True, default="", db_default="")
    discount_percent = models.PositiveSmallIntegerField(null=True, blank=True)
    access_type = models.CharField(
        max_length=12,
        choices=AccessType.choices,
        default=AccessType.LIFETIME,
        db_default=AccessType.LIFETIME.value,
    )
    access_days = models.PositiveIntegerField(null=True, blank=True)

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
