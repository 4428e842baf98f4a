"""Shapes of the courses slice."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from api.v1.courses.serializers_rules import UnitRules, VersionRulesIn
from tenant_apps.courses.content.sanitize import MAX_BODY_CHARACTERS
from tenant_apps.courses.enums import BodyFormat, CourseState, LessonKind, VersionState
from tenant_apps.courses.models import Course, CourseVersion
from tenant_apps.courses.policies import RIGHTS
from tenant_apps.courses.selectors.acts import COURSE_ACTS, course_acts

LANGUAGE = r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$"
MAX_MODULES = 500
MAX_LESSONS = 5_000


class CreateCourseIn(serializers.Serializer[Any]):
    """A new course."""

    slug = serializers.SlugField(max_length=80)
    title = serializers.CharField(max_length=200)
    summary = serializers.CharField(max_length=1000, required=False, allow_blank=True)
    language = serializers.RegexField(LANGUAGE, max_length=12, required=False)


class TransferIn(serializers.Serializer[Any]):
    """The new owner."""

    member_id = serializers.UUIDField()


class VersionOut(serializers.ModelSerializer[CourseVersion]):
    """A version without its content. `revision` is the ETag; counts and hash are set by publishing."""

    course_id = serializers.UUIDField()
    based_on_id = serializers.UUIDField(allow_null=True)
    state = serializers.ChoiceField(choices=VersionState.choices)

    class Meta:
        model = CourseVersion
        fields = (
            "id",
            "course_id",
            "number",
            "state",
            "revision",
            "based_on_id",
            "note",
            "content_hash",
            "lesson_count",
            "required_count",
            "published_at",
            "created_at",
        )


class CanOut(serializers.Serializer[Any]):
    """What the caller may do to this course as it stands; `edit` and `publish` are the rights themselves."""

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """Return one flag for each act."""
        return {name: serializers.BooleanField() for name in COURSE_ACTS}


class CourseOut(serializers.ModelSerializer[Course]):
    """A course with its current published version, if there is one."""

    state = serializers.ChoiceField(choices=CourseState.choices)
    owner_id = serializers.UUIDField()
    current_version = VersionOut(allow_null=True)
    can = serializers.SerializerMethodField()

    @extend_schema_field(CanOut)
    def get_can(self, course: Course) -> dict[str, bool]:
        """Return what is open to the caller."""
        return course_acts(self.context["view"].actor, course)

    class Meta:
        model = Course
        fields = (
            "id",
            "slug",
            "title",
            "summary",
            "language",
            "state",
            "state_reason",
            "state_changed_at",
            "owner_id",
            "current_version",
            "can",
            "created_at",
            "updated_at",
        )


class RightHolderOut(serializers.Serializer[Any]):
    """Somebody with rights on a course."""

    member_id = serializers.UUIDField()
    display_name = serializers.CharField()
    email = serializers.EmailField()
    rights = serializers.ListField(child=serializers.ChoiceField(choices=RIGHTS))


class SetRightsIn(serializers.Serializer[Any]):
    """The rights a member is to have; an empty list takes all away."""

    member_id = serializers.UUIDField()
    rights = serializers.ListField(child=serializers.ChoiceField(choices=RIGHTS), max_length=len(RIGHTS))


class CreateDraftIn(serializers.Serializer[Any]):
    """What the draft is copied from; the newest version when nothing is named."""

    based_on_id = serializers.UUIDField(required=False, allow_null=True, default=None)
    note = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")


class CopyVersionIn(serializers.Serializer[Any]):
    """A draft from this version."""

    note = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")


class DocumentOut(serializers.Serializer[Any]):
    """The file of a document lesson; `size` is in bytes."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    content_type = serializers.CharField()
    size = serializers.IntegerField()
    sha256 = serializers.CharField()


class ResourceOut(serializers.Serializer[Any]):
    """A stored file or an address elsewhere beside a lesson."""

    id = serializers.UUIDField()
    lineage = serializers.UUIDField()
    title = serializers.CharField()
    position = serializers.IntegerField()
    is_downloadable = serializers.BooleanField()
    file = DocumentOut(allow_null=True)
    url = serializers.CharField(allow_blank=True)


class UnitTranslationOut(serializers.Serializer[Any]):
    """A module or lesson in another language; an empty title or body is not translated."""

    language = serializers.CharField()
    title = serializers.CharField(allow_blank=True)
    summary = serializers.CharField(allow_blank=True)
    body_format = serializers.CharField(allow_blank=True)
    body = serializers.CharField(allow_blank=True)
    body_html = serializers.CharField(allow_blank=True)


class TopicOut(UnitRules):
    """A topic, or what a lesson shares with topics. `minutes` is 0 when the author gave none; `body_html` is
    safe to show; `revision` is the lesson's own, and its ETag "lesson-<revision>"."""

    id = serializers.UUIDField()
    lineage = serializers.UUIDField()
    key = serializers.CharField(allow_blank=True)
    revision = serializers.IntegerField()
    title = serializers.CharField()
    kind = serializers.ChoiceField(choices=LessonKind.choices)
    position = serializers.IntegerField()
    is_required = serializers.BooleanField()
    is_published = serializers.BooleanField()
    is_preview = serializers.BooleanField()
    is_downloadable = serializers.BooleanField()
    minutes = serializers.IntegerField()
    weight = serializers.IntegerField()
    body_format = serializers.ChoiceField(choices=BodyFormat.choices)
    body = serializers.CharField(allow_blank=True)
    body_html = serializers.CharField(allow_blank=True)
    document = DocumentOut(allow_null=True)
    embed_url = serializers.CharField(allow_blank=True)
    media_url = serializers.CharField(allow_blank=True)
    duration_seconds = serializers.IntegerField()
    linked_id = serializers.UUIDField(allow_null=True)
    resources = ResourceOut(many=True)
    translations = UnitTranslationOut(many=True)


class LessonTreeOut(TopicOut):
    """A lesson in its place, with its topics."""

    topics = TopicOut(many=True)


class ModuleTreeOut(UnitRules):
    """A module with its lessons."""

    id = serializers.UUIDField()
    lineage = serializers.UUIDField()
    key = serializers.CharField(allow_blank=True)
    title = serializers.CharField()
    summary = serializers.CharField(allow_blank=True)
    position = serializers.IntegerField()
    translations = UnitTranslationOut(many=True)
    lessons = LessonTreeOut(many=True)


class VersionCountsOut(serializers.Serializer[Any]):
    """What the tree holds as it is now, unpublished lessons included."""

    modules = serializers.IntegerField()
    lessons = serializers.IntegerField()
    topics = serializers.IntegerField()
    unpublished = serializers.IntegerField()
    resources = serializers.IntegerField()
    minutes = serializers.IntegerField()


class VersionTreeOut(serializers.Serializer[Any]):
    """A version with its whole content. `lesson_count`, `required_count` and the other counts beside them are
    set by publishing, `counts` says what is there now. `autosaved_lesson_ids` are lessons with writing of
    the caller that is not saved."""

    id = serializers.UUIDField()
    course_id = serializers.UUIDField()
    number = serializers.IntegerField()
    state = serializers.ChoiceField(choices=VersionState.choices)
    revision = serializers.IntegerField()
    based_on_id = serializers.UUIDField(allow_null=True)
    note = serializers.CharField(allow_blank=True)
    content_hash = serializers.CharField(allow_blank=True)
    rules = VersionRulesIn()
    module_count = serializers.IntegerField()
    lesson_count = serializers.IntegerField()
    required_count = serializers.IntegerField()
    resource_count = serializers.IntegerField()
    minutes = serializers.IntegerField()
    published_at = serializers.DateTimeField(allow_null=True)
    modules = ModuleTreeOut(many=True)
    counts = VersionCountsOut()
    autosaved_lesson_ids = serializers.ListField(child=serializers.UUIDField())


class EditedOut(serializers.Serializer[Any]):
    """What an edit left. The next edit's If-Match is the quoted revision of the version, or of the lesson as
    "lesson-<lesson_revision>"; null where the edit was no lesson's."""

    id = serializers.UUIDField()
    revision = serializers.IntegerField()
    lesson_revision = serializers.IntegerField(allow_null=True)


class UpdateModuleIn(UnitRules):
    """Facts of a module; fields left out stay."""

    title = serializers.CharField(max_length=200, required=False)
    summary = serializers.CharField(max_length=1000, required=False, allow_blank=True)


class AddModuleIn(UpdateModuleIn):
    """A new module; last unless a position (from 0) is given."""

    title = serializers.CharField(max_length=200)
    position = serializers.IntegerField(min_value=0, max_value=MAX_MODULES, required=False)


class TopicFactsIn(UnitRules):
    """Facts of a lesson or topic; fields left out stay."""

    title = serializers.CharField(max_length=200, required=False)
    kind = serializers.ChoiceField(choices=LessonKind.choices, required=False)
    is_published = serializers.BooleanField(required=False)
    is_required = serializers.BooleanField(required=False)
    is_preview = serializers.BooleanField(
        required=False, help_text="Every member may read it without enrollment."
    )
    is_downloadable = serializers.BooleanField(
        required=False, help_text="Off: nobody gets an address to download the document from."
    )
    minutes = serializers.IntegerField(min_value=0, max_value=24 * 60, required=False)
    weight = serializers.IntegerField(
        min_value=0, max_value=1_000, required=False, help_text="Its part in the course's percentage."
    )
    body_format = serializers.ChoiceField(choices=BodyFormat.choices, required=False)
    body = serializers.CharField(
        max_length=MAX_BODY_CHARACTERS, required=False, allow_blank=True, trim_whitespace=False
    )
    document_id = serializers.UUIDField(required=False, allow_null=True)
    embed_url = serializers.CharField(max_length=500, required=False, allow_blank=True)
    media_url = serializers.CharField(
        max_length=500, required=False, allow_blank=True, help_text="https, of an audio or video file."
    )
    duration_seconds = serializers.IntegerField(min_value=0, max_value=24 * 3600, required=False)
    linked_id = serializers.UUIDField(
        required=False, allow_null=True, help_text="Of the quiz, assignment, class or package it stands for."
    )


class UpdateLessonIn(TopicFactsIn):
    """Facts of a lesson; fields left out stay. Another `module_id` moves it to that module's end."""

    module_id = serializers.UUIDField(required=False)


class AddTopicIn(TopicFactsIn):
    """A new topic; last in its lesson unless a position (from 0) is given."""

    title = serializers.CharField(max_length=200)
    position = serializers.IntegerField(min_value=0, max_value=MAX_LESSONS, required=False)


class AddLessonIn(UpdateLessonIn):
    """A new lesson; last in its module unless a position (from 0) is given."""

    module_id = serializers.UUIDField()
    title = serializers.CharField(max_length=200)
    position = serializers.IntegerField(min_value=0, max_value=MAX_LESSONS, required=False)


class ModuleOrderIn(serializers.Serializer[Any]):
    """A module with the lessons it is to hold, in order."""

    id = serializers.UUIDField()
    lesson_ids = serializers.ListField(child=serializers.UUIDField(), max_length=MAX_LESSONS)


class OrderIn(serializers.Serializer[Any]):
    """The whole tree in its new order: every module and every lesson exactly once."""

    modules = serializers.ListField(child=ModuleOrderIn(), max_length=MAX_MODULES)
