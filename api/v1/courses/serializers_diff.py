"""Shapes of differences between versions."""

from typing import Any

from rest_framework import serializers

from api.v1.courses.serializers import VersionOut
from tenant_apps.courses.content.comparing import Code, Level

_STATUSES = ("added", "removed", "changed", "same")


class DiffFilter(serializers.Serializer[Any]):
    """What to tell besides."""

    bodies = serializers.BooleanField(
        default=False, help_text="The lines that differ in texts, of the first 50 of them."
    )
    same = serializers.BooleanField(default=False, help_text="Modules and lessons that did not change, too.")


class DiffChangeOut(serializers.Serializer[Any]):
    """One difference. `field` is the name of the fact, a resource's lineage or a language.

    `before` and `after` hold its values: of a move {"parent": lineage, "position": from 0}, of a text its
    SHA-256, null where there is none.
    """

    code = serializers.ChoiceField(choices=[code.value for code in Code])
    field = serializers.CharField()
    before = serializers.JSONField()
    after = serializers.JSONField()


class LineDiffOut(serializers.Serializer[Any]):
    """Lines that begin with "@@", "-", "+" or a space, as in `diff -u`. Plain text: escape it to show it."""

    lines = serializers.ListField(child=serializers.CharField(allow_blank=True, trim_whitespace=False))
    is_cut = serializers.BooleanField(help_text="There are more differences than these.")


class DiffTopicOut(serializers.Serializer[Any]):
    """A topic that differs. `body` is there where lines were asked for and its text changed."""

    lineage = serializers.UUIDField()
    level = serializers.ChoiceField(choices=[level.value for level in Level])
    title = serializers.CharField(allow_blank=True)
    status = serializers.ChoiceField(choices=_STATUSES)
    before_id = serializers.UUIDField(allow_null=True)
    after_id = serializers.UUIDField(allow_null=True)
    changes = DiffChangeOut(many=True)
    body = LineDiffOut(allow_null=True)


class DiffLessonOut(DiffTopicOut):
    """A lesson that differs, or whose topics do."""

    topics = DiffTopicOut(many=True, source="children")


class DiffModuleOut(DiffTopicOut):
    """A module that differs, or whose lessons do."""

    lessons = DiffLessonOut(many=True, source="children")


class DiffSummaryOut(serializers.Serializer[Any]):
    """To how many modules, lessons and topics each thing happened."""

    added = serializers.IntegerField()
    removed = serializers.IntegerField()
    moved = serializers.IntegerField()
    renamed = serializers.IntegerField()
    summary_changed = serializers.IntegerField()
    body_changed = serializers.IntegerField()
    kind_changed = serializers.IntegerField()
    content_changed = serializers.IntegerField()
    rule_changed = serializers.IntegerField()
    resource_added = serializers.IntegerField()
    resource_removed = serializers.IntegerField()
    resource_changed = serializers.IntegerField()
    translation_added = serializers.IntegerField()
    translation_removed = serializers.IntegerField()
    translation_changed = serializers.IntegerField()


class VersionDiffOut(serializers.Serializer[Any]):
    """What changed from `before` to `after`.

    `changes` are those of the version as a whole; `names` holds the titles of the units that changes name by
    lineage; `modules` follow the order of `after`, with what was removed where it stood.
    """

    before = VersionOut()
    after = VersionOut()
    is_empty = serializers.BooleanField()
    summary = DiffSummaryOut()
    changes = DiffChangeOut(many=True)
    names = serializers.DictField(child=serializers.CharField(allow_blank=True))
    modules = DiffModuleOut(many=True)


class BodyDiffOut(serializers.Serializer[Any]):
    """The texts of one lesson in two versions."""

    lineage = serializers.UUIDField()
    before_title = serializers.CharField(allow_blank=True)
    after_title = serializers.CharField(allow_blank=True)
    body = LineDiffOut()
