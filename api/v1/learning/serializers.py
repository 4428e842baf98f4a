"""Shapes of what learners read. The hot answers are plain dicts; a test holds them to these shapes."""

from typing import Any

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from api.core.pagination import PageSizeQuery
from tenant_apps.courses.enums import LessonKind
from tenant_apps.learning.policies import Access
from tenant_apps.learning.selectors.home import Shelf, Sort
from tenant_apps.runs.enums import EnrollmentState


class LanguageQuery(serializers.Serializer[Any]):
    """The language wanted."""

    language = serializers.RegexField(
        r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*$",
        max_length=12,
        required=False,
        help_text="BCP 47, such as `de` or `pt-BR`. What is not translated comes as it was written. "
        "Without it your own language, else your company's.",
    )


class ShelfQuery(serializers.Serializer[Any]):
    """Which of your courses, and in which order."""

    state = serializers.ChoiceField(choices=EnrollmentState.choices, required=False)
    shelf = serializers.ChoiceField(
        choices=[(each.value, each.value) for each in Shelf],
        required=False,
        help_text="`current` can be learned now, `upcoming` begins later, `past` ended without completion.",
    )
    search = serializers.CharField(
        max_length=100, required=False, help_text="Part of the title of course or run."
    )
    sort = serializers.ChoiceField(
        choices=[(each.value, each.value) for each in Sort], default=Sort.NEWEST.value
    )


class LibraryQuery(PageSizeQuery, ShelfQuery, LanguageQuery):
    """Which page."""

    cursor = serializers.CharField(max_length=100, required=False)


class NamedOut(serializers.Serializer[Any]):
    """Something with a title."""

    id = serializers.UUIDField()
    title = serializers.CharField()


class VersionRefOut(serializers.Serializer[Any]):
    """The version the learner learns."""

    id = serializers.UUIDField()
    number = serializers.IntegerField()


class RunRefOut(NamedOut):
    """The run, with its window in UTC and the zone it is held in."""

    starts_at = serializers.DateTimeField(allow_null=True)
    ends_at = serializers.DateTimeField(allow_null=True)
    timezone = serializers.CharField()


class ProgressOut(serializers.Serializer[Any]):
    """How far the learner is."""

    completed = serializers.IntegerField()
    total = serializers.IntegerField()
    percent = serializers.IntegerField()
    last_accessed_at = serializers.DateTimeField(allow_null=True)


class DeadlineOut(serializers.Serializer[Any]):
    """The next deadline, a missed one first."""

    lesson = NamedOut(allow_null=True, help_text="Null for the end of the run.")
    due_at = serializers.DateTimeField()
    due_local = serializers.CharField(help_text="As clocks show it where the learner is, with its offset.")
    is_overdue = serializers.BooleanField()


class MyCourseCanOut(serializers.Serializer[Any]):
    """What the learner can do in a course now."""

    learn = serializers.BooleanField(help_text="Lessons open; for each of them the tree says more.")
    mark = serializers.BooleanField(help_text="Bookmarks and notes can be made and seen here.")
    leave = serializers.BooleanField(help_text="The place can be given up (`POST /runs/{id}/leave`).")


class MyCourseOut(serializers.Serializer[Any]):
    """One of the learner's courses. Times are UTC; `timezone` is the zone to show them in."""

    enrollment_id = serializers.UUIDField()
    state = serializers.ChoiceField(choices=EnrollmentState.choices)
    attempt = serializers.IntegerField(help_text="1, and one more with each restart.")
    access = serializers.ChoiceField(choices=[(access.value, access.value) for access in Access])
    course = NamedOut()
    version = VersionRefOut()
    run = RunRefOut()
    progress = ProgressOut()
    next_deadline = DeadlineOut(allow_null=True, help_text="Of a required lesson, else the run's end.")
    next_lesson = NamedOut(allow_null=True)
    enrolled_at = serializers.DateTimeField()
    completed_at = serializers.DateTimeField(allow_null=True)
    expires_at = serializers.DateTimeField(allow_null=True)
    timezone = serializers.CharField()
    language = serializers.CharField(help_text="Of the titles, as far as they are translated.")
    can = MyCourseCanOut()


@extend_schema_serializer(many=False)
class MyCoursePageOut(serializers.Serializer[Any]):
    """One page of the learner's courses."""

    results = MyCourseOut(many=True)
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)


class TopicLineOut(serializers.Serializer[Any]):
    """A topic of a lesson in the tree. Instants are UTC; `_local` is the same with the learner's clock."""

    id = serializers.UUIDField()
    lineage = serializers.UUIDField()
    module_id = serializers.UUIDField()
    parent_id = serializers.UUIDField(allow_null=True, help_text="The lesson of a topic.")
    title = serializers.CharField()
    kind = serializers.ChoiceField(choices=LessonKind.choices)
    position = serializers.IntegerField()
    is_required = serializers.BooleanField()
    minutes = serializers.IntegerField()
    is_completed = serializers.BooleanField()
    access = serializers.CharField(help_text="`open`, or the code of the refusal that opening it would meet.")
    opens_at = serializers.DateTimeField(
        allow_null=True, help_text="When a lesson that is not released opens; empty where that is not known."
    )
    opens_local = serializers.DateTimeField(allow_null=True)
    due_at = serializers.DateTimeField(allow_null=True)
    due_local = serializers.DateTimeField(allow_null=True)


class LessonLineOut(TopicLineOut):
    """A lesson in the tree."""

    topics = TopicLineOut(many=True)


class MyModuleOut(serializers.Serializer[Any]):
    """A module with its lessons, in order."""

    id = serializers.UUIDField()
    lineage = serializers.UUIDField()
    title = serializers.CharField()
    position = serializers.IntegerField()
    lessons = LessonLineOut(many=True)


class MyCourseTreeOut(MyCourseOut):
    """One of the learner's courses with its whole tree."""

    modules = MyModuleOut(many=True)


class LessonFileOut(serializers.Serializer[Any]):
    """A file of a lesson."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    content_type = serializers.CharField()
    size = serializers.IntegerField()
    url = serializers.CharField(
        allow_null=True,
        help_text="Download address on this host, for this learner, for five minutes; none where the author "
        "does not let it be downloaded.",
    )
    url_expires_at = serializers.DateTimeField(allow_null=True)


class LessonDocumentOut(LessonFileOut):
    """The file of a document lesson."""

    view_url = serializers.CharField(
        allow_null=True,
        help_text="Shows a PDF or picture in the page, downloadable or not; none for types no browser shows.",
    )


class MyLessonResourceOut(serializers.Serializer[Any]):
    """Something to take along: a file, or an address elsewhere."""

    id = serializers.UUIDField()
    title = serializers.CharField()
    position = serializers.IntegerField()
    is_downloadable = serializers.BooleanField()
    url = serializers.CharField(allow_blank=True)
    file = LessonFileOut(allow_null=True)


class LessonOut(LessonLineOut):
    """A lesson, or topic, to read, with everything its page shows."""

    topics = TopicLineOut(many=True)
    enrollment_id = serializers.UUIDField()
    attempt = serializers.IntegerField()
    language = serializers.CharField()
    body_html = serializers.CharField(allow_blank=True)
    embed_url = serializers.CharField(allow_blank=True)
    media_url = serializers.CharField(allow_blank=True)
    duration_seconds = serializers.IntegerField()
    document = LessonDocumentOut(allow_null=True)
    resources = MyLessonResourceOut(many=True)
    completed_at = serializers.DateTimeField(allow_null=True)
    opened_at = serializers.DateTimeField(allow_null=True)
    position_seconds = serializers.IntegerField()
    watched_seconds = serializers.IntegerField()
    reached_percent = serializers.IntegerField()
    view_count = serializers.IntegerField(help_text="How often it was opened before.")
    previous_lesson_id = serializers.UUIDField(allow_null=True)
    next_lesson_id = serializers.UUIDField(allow_null=True)
    next_lesson = TopicLineOut(allow_null=True)


class LessonCompletedOut(serializers.Serializer[Any]):
    """Where the learner stands after completing a lesson."""

    enrollment_id = serializers.UUIDField()
    lesson_id = serializers.UUIDField()
    completed_at = serializers.DateTimeField()
    completed = serializers.IntegerField()
    total = serializers.IntegerField()
    percent = serializers.IntegerField()
    state = serializers.ChoiceField(choices=EnrollmentState.choices)


class RunProgressOut(serializers.Serializer[Any]):
    """Progress of one person in a run."""

    enrollment_id = serializers.UUIDField(source="id")
    member_id = serializers.UUIDField()
    member_name = serializers.CharField(allow_blank=True)
    member_email = serializers.EmailField()
    state = serializers.ChoiceField(choices=EnrollmentState.choices)
    completed = serializers.IntegerField()
    total = serializers.IntegerField()
    percent = serializers.IntegerField()
    last_accessed_at = serializers.DateTimeField(allow_null=True)
    completed_at = serializers.DateTimeField(allow_null=True)
    expires_at = serializers.DateTimeField(allow_null=True)
