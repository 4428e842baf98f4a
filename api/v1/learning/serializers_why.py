"""Shapes of explanations and of attempts."""

from typing import Any

from rest_framework import serializers

from tenant_apps.learning.policies import LinkName
from tenant_apps.runs.enums import EnrollmentState


class ActQuery(serializers.Serializer[Any]):
    """What is asked about."""

    act = serializers.RegexField(
        r"^[a-z_.]+$",
        max_length=40,
        default="open",
        help_text="`open`, `complete`, `report`, `mark`, `marks` or `join`; or the policy that a refusal "
        "names in `needed`.",
    )


class LessonActQuery(ActQuery):
    """What is asked about, of which lesson."""

    lesson = serializers.UUIDField(required=False, help_text="A lesson or topic of the run's version.")


class AccessLinkOut(serializers.Serializer[Any]):
    """One link of the chain."""

    name = serializers.ChoiceField(choices=[(name.value, name.value) for name in LinkName])
    is_open = serializers.BooleanField()
    code = serializers.CharField(allow_null=True, help_text="Of the refusal that the closed link leads to.")
    title = serializers.CharField(allow_blank=True)
    advice = serializers.CharField(allow_blank=True)
    facts = serializers.DictField()
    changes_at = serializers.DateTimeField(allow_null=True, help_text="When it opens or closes by itself.")
    changes_local = serializers.DateTimeField(allow_null=True)
    by_itself = serializers.BooleanField()


class AccessWhyOut(serializers.Serializer[Any]):
    """Why something can be done now, or why not. The first closed link is the cause."""

    enrollment_id = serializers.UUIDField(allow_null=True)
    run_id = serializers.UUIDField(allow_null=True)
    course_id = serializers.UUIDField(allow_null=True)
    lesson_id = serializers.UUIDField(allow_null=True)
    act = serializers.CharField()
    is_open = serializers.BooleanField()
    code = serializers.CharField(allow_null=True)
    closing = AccessLinkOut(allow_null=True)
    links = AccessLinkOut(many=True)
    as_of = serializers.DateTimeField()
    timezone = serializers.CharField(help_text="Of the learner; `_local` times are in it.")


class RestartIn(serializers.Serializer[Any]):
    """Why a learner begins again."""

    reason = serializers.CharField(max_length=300)
    attempt = serializers.IntegerField(
        min_value=1,
        max_value=32_000,
        required=False,
        help_text="The attempt to end; another one running is refused with 409.",
    )


class AttemptQuery(serializers.Serializer[Any]):
    """Which attempt."""

    number = serializers.IntegerField(
        min_value=1, max_value=32_000, required=False, help_text="The one that runs, if left out."
    )


class AttemptOut(serializers.Serializer[Any]):
    """One attempt; the one that runs has no end."""

    number = serializers.IntegerField()
    is_current = serializers.BooleanField()
    version_id = serializers.UUIDField()
    state = serializers.ChoiceField(choices=EnrollmentState.choices)
    started_at = serializers.DateTimeField(allow_null=True)
    completed_at = serializers.DateTimeField(allow_null=True)
    ended_at = serializers.DateTimeField(allow_null=True)
    completed_count = serializers.IntegerField()
    total = serializers.IntegerField()
    percent = serializers.IntegerField()
    reason = serializers.CharField(allow_blank=True)
    ended_by_id = serializers.UUIDField(allow_null=True)


class AttemptsOut(serializers.Serializer[Any]):
    """All attempts, newest first."""

    attempts = AttemptOut(many=True)


class AttemptLessonOut(serializers.Serializer[Any]):
    """What was done with one lesson in an attempt."""

    lineage = serializers.UUIDField()
    lesson_id = serializers.UUIDField()
    title = serializers.CharField()
    opened_at = serializers.DateTimeField(allow_null=True)
    completed_at = serializers.DateTimeField(allow_null=True)
    watched_seconds = serializers.IntegerField()
    view_count = serializers.IntegerField()


class AttemptDetailOut(AttemptOut):
    """One attempt with what was done in it."""

    lessons = AttemptLessonOut(many=True)
