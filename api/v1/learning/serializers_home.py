"""Shapes of the learner's first page. Plain dicts go out; a test holds them to these shapes."""

from typing import Any

from rest_framework import serializers

from api.v1.learning.serializers import DeadlineOut, MyCourseOut, NamedOut
from tenant_apps.courses.enums import LessonKind


class ContinueLessonOut(NamedOut):
    """The lesson to go on with."""

    kind = serializers.ChoiceField(choices=LessonKind.choices)


class ContinueOut(serializers.Serializer[Any]):
    """Where you left."""

    enrollment_id = serializers.UUIDField()
    course = NamedOut()
    lesson = ContinueLessonOut()
    position_seconds = serializers.IntegerField(help_text="Where to go on in its audio or video.")
    duration_seconds = serializers.IntegerField()
    reached_percent = serializers.IntegerField()
    percent = serializers.IntegerField(help_text="Of the course.")
    last_accessed_at = serializers.DateTimeField()
    next_deadline = DeadlineOut(allow_null=True)


class WaitingRunOut(NamedOut):
    """The run waited for."""

    starts_at = serializers.DateTimeField(allow_null=True)
    timezone = serializers.CharField()


class WaitingOut(serializers.Serializer[Any]):
    """A place on a waiting list."""

    id = serializers.UUIDField()
    since = serializers.DateTimeField()
    run = WaitingRunOut()
    course = NamedOut()
    place = serializers.IntegerField(help_text="1 is next.")


class HomeCountsOut(serializers.Serializer[Any]):
    """How many there are of each; the lists show the first 50."""

    current = serializers.IntegerField()
    upcoming = serializers.IntegerField()
    completed = serializers.IntegerField()
    past = serializers.IntegerField()
    waiting = serializers.IntegerField()


class HomeOut(serializers.Serializer[Any]):
    """A learner's first page."""

    current = MyCourseOut(many=True)
    upcoming = MyCourseOut(many=True)
    completed = MyCourseOut(many=True)
    waiting = WaitingOut(many=True)
    counts = HomeCountsOut()

    def get_fields(self) -> dict[str, Any]:
        """Add `continue`, which is no name in Python."""
        return {"continue": ContinueOut(allow_null=True), **super().get_fields()}
