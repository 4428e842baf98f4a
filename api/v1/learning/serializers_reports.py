"""Shapes of what players tell."""

from typing import Any

from rest_framework import serializers

from tenant_apps.learning.content.watching import LONGEST_SECONDS
from tenant_apps.learning.services.reports import MOST_AT_ONCE


class ReportIn(serializers.Serializer[Any]):
    """One telling of a player."""

    position_seconds = serializers.IntegerField(
        min_value=0, max_value=LONGEST_SECONDS, help_text="Where the player is."
    )
    watched_seconds = serializers.IntegerField(
        min_value=0,
        max_value=2**31 - 1,
        default=0,
        help_text="The learner's time in this lesson altogether, in seconds of the wall clock: what the last "
        "answer said, and what came since. Counted no faster than the server's clock goes.",
    )
    percent = serializers.IntegerField(
        min_value=0,
        max_value=100,
        default=0,
        help_text="The furthest point, where the lesson's length is not known to the server.",
    )
    at = serializers.DateTimeField(
        required=False, help_text="When it was told, by the player's clock; without it, now."
    )


class SentAt(serializers.Serializer[Any]):
    """The player's clock."""

    sent_at = serializers.DateTimeField(
        required=False,
        help_text="What the player's clock shows at sending: with it, a wrong clock does no harm.",
    )


class SingleReportIn(ReportIn, SentAt):
    """One report, sent at once."""


class LessonReportIn(ReportIn):
    """One report among many."""

    lesson_id = serializers.UUIDField()


class ReportsIn(SentAt):
    """Reports gathered while offline, in any order."""

    reports = serializers.ListField(child=LessonReportIn(), allow_empty=False, max_length=MOST_AT_ONCE)


class WatchedOut(serializers.Serializer[Any]):
    """Where the learner stands in the lesson."""

    lesson_id = serializers.UUIDField()
    position_seconds = serializers.IntegerField(help_text="Where to go on.")
    watched_seconds = serializers.IntegerField()
    reached_percent = serializers.IntegerField()
    view_count = serializers.IntegerField()
    completed_at = serializers.DateTimeField(allow_null=True)


class RefusedReportOut(serializers.Serializer[Any]):
    """A lesson whose reports did not count."""

    lesson_id = serializers.UUIDField()
    code = serializers.CharField()


class TakenOut(serializers.Serializer[Any]):
    """What became of the reports."""

    lessons = WatchedOut(many=True)
    refused = RefusedReportOut(many=True)
