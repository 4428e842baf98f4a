"""Shapes of what belongs to lessons: topics, resources, translations, unsaved writing, previews, bulk."""

from typing import Any

from rest_framework import serializers

from api.v1.courses.serializers import LANGUAGE, MAX_LESSONS, TopicFactsIn
from tenant_apps.courses.content.sanitize import MAX_BODY_CHARACTERS
from tenant_apps.courses.enums import BodyFormat, LessonKind
from tenant_apps.courses.services.bulk import ACTS, MAX_ACTS
from tenant_apps.courses.services.resources import MAX_RESOURCES


class TopicOrderIn(serializers.Serializer[Any]):
    """All topics of the lesson in their new order."""

    topic_ids = serializers.ListField(child=serializers.UUIDField(), max_length=MAX_LESSONS)


class UpdateResourceIn(serializers.Serializer[Any]):
    """Facts of a resource; fields left out stay. A file takes the place of an address, and an address of a
    file."""

    title = serializers.CharField(max_length=200, required=False)
    file_id = serializers.UUIDField(required=False, allow_null=True)
    url = serializers.CharField(max_length=500, required=False, allow_blank=True, help_text="https.")
    is_downloadable = serializers.BooleanField(
        required=False, help_text="Off: learners see that it is there and get no address of it."
    )


class AddResourceIn(UpdateResourceIn):
    """A new resource, a stored file or an address; last unless a position (from 0) is given."""

    title = serializers.CharField(max_length=200)
    position = serializers.IntegerField(min_value=0, max_value=MAX_RESOURCES, required=False)


class ResourceOrderIn(serializers.Serializer[Any]):
    """All resources of the lesson in their new order."""

    resource_ids = serializers.ListField(child=serializers.UUIDField(), max_length=MAX_RESOURCES)


class TranslationFilter(serializers.Serializer[Any]):
    """Which translation."""

    language = serializers.RegexField(LANGUAGE, max_length=12)


class ModuleTranslationIn(TranslationFilter):
    """A module in another language; what is left out is not translated."""

    title = serializers.CharField(max_length=200, required=False, allow_blank=True)
    summary = serializers.CharField(max_length=1000, required=False, allow_blank=True)


class LessonTranslationIn(ModuleTranslationIn):
    """A lesson or topic in another language; what is left out is not translated."""

    body_format = serializers.ChoiceField(choices=BodyFormat.choices, required=False)
    body = serializers.CharField(
        max_length=MAX_BODY_CHARACTERS, required=False, allow_blank=True, trim_whitespace=False
    )


class AutosaveFacts(TopicFactsIn):
    """Facts of the lesson as they stand in the editor; nothing is checked but sizes."""

    title = serializers.CharField(max_length=200, required=False, allow_blank=True)


class AutosaveIn(serializers.Serializer[Any]):
    """Unsaved writing. `based_on_revision` is the lesson's revision when the writing began; today's, or that
    of the writing kept before, when it is left out."""

    facts = AutosaveFacts()
    based_on_revision = serializers.IntegerField(min_value=1, max_value=2**31 - 1, required=False)


class AutosavedOut(serializers.Serializer[Any]):
    """The caller's unsaved writing; stale when the lesson was saved since it began. The facts are as sent:
    an editor's input, not HTML to show."""

    lesson_id = serializers.UUIDField()
    facts = serializers.DictField()
    based_on_revision = serializers.IntegerField()
    lesson_revision = serializers.IntegerField()
    is_stale = serializers.BooleanField()
    updated_at = serializers.DateTimeField()


class BulkActIn(serializers.Serializer[Any]):
    """One act on one lesson.

    `create` names `module_id`, or `parent_id` for a topic, and `facts`; `update` names `lesson_id` and
    `facts`; `move` names `lesson_id` and where to; `publish` names `lesson_id` and `is_published`;
    `duplicate` and `delete` name `lesson_id`.
    """

    op = serializers.ChoiceField(choices=ACTS)
    lesson_id = serializers.UUIDField(required=False)
    module_id = serializers.UUIDField(required=False)
    parent_id = serializers.UUIDField(required=False, allow_null=True)
    position = serializers.IntegerField(min_value=0, max_value=MAX_LESSONS, required=False)
    is_published = serializers.BooleanField(required=False)
    facts = TopicFactsIn(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Require what the act needs."""
        op = attrs["op"]
        needed = {
            "create": ("facts",),
            "update": ("lesson_id", "facts"),
            "move": ("lesson_id",),
            "publish": ("lesson_id", "is_published"),
        }.get(op, ("lesson_id",))
        missing = [name for name in needed if name not in attrs]
        if op == "create" and "facts" in attrs and "title" not in attrs["facts"]:
            missing.append("facts.title")
        if op in ("create", "move") and not attrs.get("parent_id") and "module_id" not in attrs:
            missing.append("module_id")
        if missing:
            raise serializers.ValidationError(
                {name: [f"An act '{op}' needs it."] for name in missing}, code="required"
            )
        return attrs


class BulkIn(serializers.Serializer[Any]):
    """The acts in their order; all of them are done, or none."""

    acts = serializers.ListField(child=BulkActIn(), min_length=1, max_length=MAX_ACTS)


class BulkOut(serializers.Serializer[Any]):
    """The draft's new revision, and for each act the id of its lesson."""

    revision = serializers.IntegerField()
    lesson_ids = serializers.ListField(child=serializers.UUIDField())


class HandoutOut(serializers.Serializer[Any]):
    """A file for the caller. `url` downloads it, null where it is not to be downloaded; `view_url` shows it
    in the page, null for types that no browser shows. Both work until `url_expires_at`."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    content_type = serializers.CharField()
    size = serializers.IntegerField()
    url = serializers.CharField(allow_null=True)
    view_url = serializers.CharField(allow_null=True)
    url_expires_at = serializers.DateTimeField(allow_null=True)


class ResourceHandoutOut(serializers.Serializer[Any]):
    """A resource for the caller: an address elsewhere or a file; neither where it is not downloadable."""

    id = serializers.UUIDField()
    title = serializers.CharField()
    position = serializers.IntegerField()
    is_downloadable = serializers.BooleanField()
    url = serializers.CharField(allow_null=True)
    file = HandoutOut(allow_null=True)


class FreePreviewListOut(serializers.Serializer[Any]):
    """A lesson that every member may read without enrollment."""

    id = serializers.UUIDField()
    lineage = serializers.UUIDField()
    title = serializers.CharField()
    kind = serializers.ChoiceField(choices=LessonKind.choices)
    minutes = serializers.IntegerField()
    duration_seconds = serializers.IntegerField()


class FreePreviewOut(serializers.Serializer[Any]):
    """A free preview as it is read; `body_html` is safe to show."""

    id = serializers.UUIDField()
    lineage = serializers.UUIDField()
    title = serializers.CharField()
    kind = serializers.ChoiceField(choices=LessonKind.choices)
    minutes = serializers.IntegerField()
    body_html = serializers.CharField(allow_blank=True)
    embed_url = serializers.CharField(allow_blank=True)
    media_url = serializers.CharField(allow_blank=True)
    duration_seconds = serializers.IntegerField()
    document = HandoutOut(allow_null=True)
    resources = ResourceHandoutOut(many=True)


class LearnerPreviewFilter(serializers.Serializer[Any]):
    """Whose eyes: somebody on a day of their attempt, in a zone, with some units done."""

    day = serializers.IntegerField(
        min_value=0, max_value=3_650, default=0, help_text="Days since the attempt began."
    )
    timezone = serializers.CharField(max_length=64, default="UTC", help_text="The learner's.")
    done = serializers.CharField(
        max_length=20_000,
        default="",
        help_text="Lineages of completed lessons and topics, joined by commas; done on day 0.",
    )


class WhyOut(serializers.Serializer[Any]):
    """What closes a unit."""

    code = serializers.CharField()
    facts = serializers.DictField()


class SeenTopicOut(serializers.Serializer[Any]):
    """A topic as the learner's tree shows it. `access` is "open" or the code of `why`."""

    id = serializers.UUIDField()
    lineage = serializers.UUIDField()
    title = serializers.CharField()
    kind = serializers.ChoiceField(choices=LessonKind.choices)
    position = serializers.IntegerField()
    is_required = serializers.BooleanField()
    minutes = serializers.IntegerField()
    access = serializers.CharField()
    opens_at = serializers.CharField(allow_null=True)
    opens_local = serializers.CharField(allow_null=True)
    due_at = serializers.CharField(allow_null=True)
    due_local = serializers.CharField(allow_null=True)
    is_completed = serializers.BooleanField()
    why = WhyOut(allow_null=True)


class SeenLessonOut(SeenTopicOut):
    """A lesson as the learner's tree shows it."""

    topics = SeenTopicOut(many=True)


class SeenModuleOut(serializers.Serializer[Any]):
    """A module that holds published lessons."""

    id = serializers.UUIDField()
    lineage = serializers.UUIDField()
    title = serializers.CharField()
    position = serializers.IntegerField()
    lessons = SeenLessonOut(many=True)


class LearnerPreviewOut(serializers.Serializer[Any]):
    """The tree of a version as a learner would see it at `at`, with what would be closed and why."""

    version_id = serializers.UUIDField()
    revision = serializers.IntegerField()
    day = serializers.IntegerField()
    at = serializers.DateTimeField()
    timezone = serializers.CharField()
    modules = SeenModuleOut(many=True)
