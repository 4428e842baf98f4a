"""Shapes of the tree of categories."""

import uuid
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from api.core.callers import caller_of
from tenant_apps.courses.selectors.categories import CategoryNode
from tenant_apps.courses.services.categories import MOST_CATEGORIES
from tenant_apps.media.services.links import make_link

COLOUR = r"^(#[0-9a-f]{6})?$"
ICON = r"^[a-z0-9_:-]*$"


class UpdateCategoryIn(serializers.Serializer[Any]):
    """Facts of a category; fields left out stay. Another `parent_id` moves its branch; null is the root."""

    slug = serializers.SlugField(max_length=80, required=False)
    name = serializers.CharField(max_length=100, required=False)
    parent_id = serializers.UUIDField(required=False, allow_null=True)
    icon = serializers.RegexField(
        ICON, max_length=40, required=False, allow_blank=True, help_text="Name of an icon."
    )
    image_id = serializers.UUIDField(required=False, allow_null=True, help_text="A stored picture.")
    colour = serializers.RegexField(
        COLOUR, max_length=7, required=False, allow_blank=True, help_text='Such as "#2f6feb".'
    )
    is_featured = serializers.BooleanField(required=False)
    is_active = serializers.BooleanField(required=False, help_text="False hides its branch from members.")


class CreateCategoryIn(UpdateCategoryIn):
    """A new category, last among its siblings."""

    slug = serializers.SlugField(max_length=80)
    name = serializers.CharField(max_length=100)


class CategoryOrderIn(serializers.Serializer[Any]):
    """The children of one category, or without one the roots, in their new order: each exactly once."""

    parent_id = serializers.UUIDField(required=False, allow_null=True, default=None)
    ids = serializers.ListField(child=serializers.UUIDField(), max_length=MOST_CATEGORIES)


class CategoryOut(serializers.Serializer[Any]):
    """A category. `course_count` counts the courses right in it, `total_count` its whole branch's: those the
    caller sees."""

    id = serializers.UUIDField()
    parent_id = serializers.UUIDField(allow_null=True)
    slug = serializers.CharField()
    name = serializers.CharField()
    icon = serializers.CharField(allow_blank=True)
    image_id = serializers.UUIDField(allow_null=True)
    image_url = serializers.SerializerMethodField(help_text="Good for five minutes and the caller alone.")
    colour = serializers.CharField(allow_blank=True)
    is_featured = serializers.BooleanField()
    is_active = serializers.BooleanField()
    is_shown = serializers.BooleanField(help_text="It and everything above it is active.")
    position = serializers.IntegerField()
    depth = serializers.IntegerField(help_text="0 at the root.")
    course_count = serializers.IntegerField()
    total_count = serializers.IntegerField()

    @extend_schema_field({"type": ["string", "null"]})
    def get_image_url(self, node: CategoryNode) -> str | None:
        """Return a link to the picture; an operator looking in has none."""
        member_id: uuid.UUID | None = caller_of(self.context["request"]).membership_id
        if node.image_id is None or member_id is None:
            return None
        return make_link(file_id=node.image_id, member_id=member_id).url
