"""How courses are found: categories, what they build on, what they lead to, how often they are looked at."""

import uuid

from django.db import models

from shared_apps.core.models import Record
from tenant_apps.courses.enums import NeedKind, RelationKind
from tenants.rows import TenantRow


class Category(TenantRow, Record):
    """A node of the tree that courses are sorted into. An inactive one hides the branch below it."""

    parent_id: uuid.UUID | None

    parent = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="children", db_index=False
    )
    slug = models.SlugField(max_length=80, db_index=False)
    name = models.CharField(max_length=100)
    icon = models.CharField(max_length=40, blank=True)
    image = models.ForeignKey(
        "media.StoredFile", on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    # "#rrggbb", or empty.
    colour = models.CharField(max_length=7, blank=True)
    is_featured = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    position = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ("position", "id")
        constraints = [models.UniqueConstraint(fields=["slug"], name="one_category_per_slug")]

    def __str__(self) -> str:
        return self.name


class CoursePrerequisite(TenantRow, Record):
    """What should have been completed before a course; together they have no cycle."""

    course_id: uuid.UUID
    needs_id: uuid.UUID

    course = models.ForeignKey(
        "courses.Course", on_delete=models.CASCADE, related_name="prerequisites", db_index=False
    )
    needs = models.ForeignKey("courses.Course", on_delete=models.CASCADE, related_name="+", db_index=False)
    kind = models.CharField(max_length=12, choices=NeedKind.choices, default=NeedKind.REQUIRED)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["course", "needs"], name="one_prerequisite_per_course"),
            models.CheckConstraint(
                name="course_needs_another", condition=~models.Q(course=models.F("needs"))
            ),
        ]

    def __str__(self) -> str:
        return f"{self.course_id} needs {self.needs_id}"


class CourseRelation(TenantRow, Record):
    """A course that somebody who looks at this one may want as well."""

    course_id: uuid.UUID
    other_id: uuid.UUID

    course = models.ForeignKey(
        "courses.Course", on_delete=models.CASCADE, related_name="relations", db_index=False
    )
    other = models.ForeignKey("courses.Course", on_delete=models.CASCADE, related_name="+", db_index=False)
    kind = models.CharField(max_length=16, choices=RelationKind.choices, default=RelationKind.SIMILAR)
    position = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ("position", "id")
        constraints = [
            models.UniqueConstraint(fields=["course", "kind", "other"], name="one_relation_per_course"),
            models.CheckConstraint(
                name="course_relates_to_another", condition=~models.Q(course=models.F("other"))
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.course_id}"


class CourseVisit(TenantRow, Record):
    """How often a member looked at a course in the catalogue; the course's views are their sum."""

    course_id: uuid.UUID
    member_id: uuid.UUID

    course = models.ForeignKey(
        "courses.Course", on_delete=models.CASCADE, related_name="visits", db_index=False
    )
    member = models.ForeignKey("people.Member", on_delete=models.CASCADE, related_name="+", db_index=False)
    views = models.PositiveIntegerField(default=1)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["course", "member"], name="one_visit_per_member")]

    def __str__(self) -> str:
        return f"{self.views} views"
