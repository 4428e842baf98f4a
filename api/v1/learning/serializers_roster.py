"""Shapes of the roster of a run and of reports over it."""

from typing import Any

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from api.core.pagination import PageSizeQuery
from api.v1.learning.serializers import DeadlineOut, NamedOut, RunProgressOut
from tenant_apps.courses.enums import LessonKind
from tenant_apps.learning.selectors.roster import RosterFilter, Standing
from tenant_apps.runs.enums import EnrollmentState

# Each ends in a unique column.
ORDERS: dict[str, tuple[str, ...]] = {
    "newest": ("-id",),
    "name": ("sort_name", "id"),
    "-name": ("-sort_name", "-id"),
    "percent": ("percent", "id"),
    "-percent": ("-percent", "-id"),
    "last_access": ("seen_at", "id"),
    "-last_access": ("-seen_at", "-id"),
}


class RosterQuery(serializers.Serializer[Any]):
    """Whom to show, in which order."""

    state = serializers.ChoiceField(choices=EnrollmentState.choices, required=False)
    standing = serializers.ChoiceField(
        choices=[(each.value, each.value) for each in Standing],
        required=False,
        help_text="`behind` is who has missed a deadline of a required lesson, or the run's end.",
    )
    inactive_since = serializers.DateTimeField(
        required=False, help_text="Only who was not there since, and has not finished."
    )
    department = serializers.CharField(max_length=150, required=False)
    search = serializers.CharField(
        max_length=100, required=False, help_text="Part of name, e-mail address or employee id."
    )

    def as_filter(self) -> RosterFilter:
        """Return what the selector takes."""
        wanted = self.validated_data
        return RosterFilter(
            state=wanted.get("state", ""),
            standing=Standing(wanted["standing"]) if "standing" in wanted else None,
            inactive_since=wanted.get("inactive_since"),
            department=wanted.get("department", ""),
            search=wanted.get("search", ""),
        )


class SortedRosterQuery(RosterQuery):
    """Whom to show, in which order."""

    sort = serializers.ChoiceField(choices=[(name, name) for name in ORDERS], default="newest")


class RosterCanOut(serializers.Serializer[Any]):
    """Acts open to you."""

    edit = serializers.BooleanField()
    suspend = serializers.BooleanField()
    reactivate = serializers.BooleanField()
    withdraw = serializers.BooleanField()
    restart = serializers.BooleanField()
    why = serializers.BooleanField()


class LearnerRowOut(RunProgressOut):
    """One person in a run, with how far they are."""

    department = serializers.CharField(allow_blank=True)
    attempt = serializers.IntegerField(help_text="1, and one more with every restart.")
    begun_at = serializers.DateTimeField(help_text="When the attempt began.")
    standing = serializers.ChoiceField(choices=[(each.value, each.value) for each in Standing])
    current_lesson = NamedOut(allow_null=True)
    next_deadline = DeadlineOut(allow_null=True)
    is_overdue = serializers.BooleanField()
    can = RosterCanOut()


class LessonCountsOut(serializers.Serializer[Any]):
    """What became of one lesson, or topic, in a run."""

    id = serializers.UUIDField()
    lineage = serializers.UUIDField()
    module_id = serializers.UUIDField()
    parent_id = serializers.UUIDField(allow_null=True)
    title = serializers.CharField()
    kind = serializers.ChoiceField(choices=LessonKind.choices)
    is_required = serializers.BooleanField()
    opened = serializers.IntegerField(help_text="Learners who opened it, in their current attempt.")
    completed = serializers.IntegerField(help_text="Learners who completed it, in their current attempt.")
    views = serializers.IntegerField(help_text="How often it was opened.")
    watched_seconds = serializers.IntegerField()
    reached_percent = serializers.IntegerField(help_text="Mean furthest point of those who opened it.")


class RunLessonsOut(serializers.Serializer[Any]):
    """Every lesson of the run's version, in order."""

    learners = serializers.IntegerField(help_text="Of those you see, the withdrawn ones left out.")
    lessons = LessonCountsOut(many=True)


class MatrixColumnOut(NamedOut):
    """A lesson that a place in the cells stands for."""

    lineage = serializers.UUIDField()


class MatrixRowOut(serializers.Serializer[Any]):
    """One learner; the lists are in the order of `lessons`."""

    enrollment_id = serializers.UUIDField(source="id")
    member_id = serializers.UUIDField()
    member_name = serializers.CharField(allow_blank=True)
    member_email = serializers.EmailField()
    department = serializers.CharField(allow_blank=True)
    state = serializers.ChoiceField(choices=EnrollmentState.choices)
    attempt = serializers.IntegerField()
    completed = serializers.IntegerField()
    total = serializers.IntegerField()
    percent = serializers.IntegerField()
    completed_at = serializers.ListField(
        child=serializers.CharField(allow_null=True), source="completed_at_by_lesson"
    )
    views = serializers.ListField(child=serializers.IntegerField())
    reached = serializers.ListField(child=serializers.IntegerField(), help_text="Furthest point, in percent.")


@extend_schema_serializer(many=False)
class MatrixPageOut(serializers.Serializer[Any]):
    """Learners by lessons, one page of learners."""

    lessons = MatrixColumnOut(many=True)
    results = MatrixRowOut(many=True)
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)


class MatrixQuery(SortedRosterQuery, PageSizeQuery):
    """Whom to show, and which page."""

    cursor = serializers.CharField(required=False)


class LessonStatsOut(serializers.Serializer[Any]):
    """One lesson or topic over all runs, versions and attempts."""

    lineage = serializers.UUIDField()
    lesson_id = serializers.UUIDField(help_text="In the current version, else the newest that has it.")
    title = serializers.CharField()
    kind = serializers.ChoiceField(choices=LessonKind.choices)
    is_current = serializers.BooleanField(help_text="Whether the current version has it.")
    is_topic = serializers.BooleanField()
    runs = serializers.IntegerField()
    learners = serializers.IntegerField()
    views = serializers.IntegerField()
    completions = serializers.IntegerField(help_text="One for each attempt.")
    completed_by = serializers.IntegerField(help_text="Learners who completed it in any attempt.")
    watched_seconds = serializers.IntegerField()
    reached_percent = serializers.IntegerField()


@extend_schema_serializer(many=False)
class CourseLessonStatsOut(serializers.Serializer[Any]):
    """Every published lesson of a course."""

    lessons = LessonStatsOut(many=True)
