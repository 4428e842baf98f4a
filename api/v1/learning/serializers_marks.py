"""Shapes of bookmarks and notes."""

from typing import Any

from rest_framework import serializers

from tenant_apps.learning.content.watching import LONGEST_SECONDS
from tenant_apps.learning.enums import MarkKind

LONGEST_TEXT = 10_000
ORDERS: dict[str, tuple[str, ...]] = {
    "newest": ("-id",),
    "oldest": ("id",),
    "position": ("place", "id"),
    "changed": ("-updated_at", "-id"),
}
EXPORTS = ("json", "csv", "markdown")


class MarkChangeIn(serializers.Serializer[Any]):
    """What may be changed."""

    position_seconds = serializers.IntegerField(
        min_value=0,
        max_value=LONGEST_SECONDS,
        allow_null=True,
        required=False,
        help_text="In the audio or video; null where there is none.",
    )
    colour = serializers.RegexField(
        r"^(#[0-9a-fA-F]{6})?$",
        max_length=7,
        allow_blank=True,
        required=False,
        help_text="`#rrggbb`, or empty.",
    )
    body = serializers.CharField(
        max_length=LONGEST_TEXT,
        allow_blank=True,
        required=False,
        trim_whitespace=False,
        help_text="Plain text, kept as it is: show it as text, never as HTML.",
    )


class MarkIn(MarkChangeIn):
    """A new bookmark or note."""

    kind = serializers.ChoiceField(choices=MarkKind.choices)


class MarkCanOut(serializers.Serializer[Any]):
    """What you may do with it."""

    edit = serializers.BooleanField(source="notes_on", help_text="False where the course takes no notes.")
    delete = serializers.BooleanField(source="is_own")


class MarkOut(serializers.Serializer[Any]):
    """A bookmark or note, with where it stands."""

    id = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=MarkKind.choices)
    position_seconds = serializers.IntegerField(allow_null=True)
    colour = serializers.CharField(allow_blank=True)
    body = serializers.CharField(allow_blank=True)
    enrollment_id = serializers.UUIDField()
    course_id = serializers.UUIDField()
    course_title = serializers.CharField()
    run_title = serializers.CharField()
    lineage = serializers.UUIDField()
    lesson_id = serializers.UUIDField(
        allow_null=True, help_text="Null when the run's version no longer has the lesson."
    )
    lesson_title = serializers.CharField(allow_null=True)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    can = MarkCanOut(source="*")


class ExportedMarkOut(serializers.Serializer[Any]):
    """A bookmark or note in the file."""

    id = serializers.UUIDField()
    course_id = serializers.UUIDField()
    course_title = serializers.CharField()
    run_title = serializers.CharField()
    lineage = serializers.UUIDField()
    lesson_id = serializers.UUIDField(allow_null=True)
    lesson_title = serializers.CharField(allow_null=True)
    kind = serializers.ChoiceField(choices=MarkKind.choices)
    position_seconds = serializers.IntegerField(allow_null=True)
    colour = serializers.CharField(allow_blank=True)
    body = serializers.CharField(allow_blank=True)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class NotesFileOut(serializers.Serializer[Any]):
    """All your bookmarks and notes."""

    notes = ExportedMarkOut(many=True)


class MarkOrder(serializers.Serializer[Any]):
    """In which order."""

    sort = serializers.ChoiceField(choices=[(name, name) for name in ORDERS], default="newest")


class MarkFilter(MarkOrder):
    """Which of your marks."""

    enrollment_id = serializers.UUIDField(required=False)
    course_id = serializers.UUIDField(required=False)
    kind = serializers.ChoiceField(choices=MarkKind.choices, required=False)
    colour = serializers.RegexField(r"^#[0-9a-fA-F]{6}$", max_length=7, required=False)
    search = serializers.CharField(
        max_length=100, required=False, help_text="Part of the text, or of the lesson's title."
    )


class MarkExportQuery(serializers.Serializer[Any]):
    """As what kind of file."""

    form = serializers.ChoiceField(choices=[(name, name) for name in EXPORTS], default="json")
