"""Shapes of the jobs slice."""

from typing import Any

from rest_framework import serializers

from shared_apps.jobs.enums import JobState
from shared_apps.jobs.models import Job


class JobFilter(serializers.Serializer[Any]):
    """Query of the list."""

    state = serializers.ChoiceField(choices=JobState.choices, required=False)
    kind = serializers.CharField(max_length=80, required=False)


class JobOut(serializers.ModelSerializer[Job]):
    """Long work: how far it is and what came of it."""

    state = serializers.ChoiceField(choices=JobState.choices)
    percent = serializers.SerializerMethodField()
    result = serializers.DictField(help_text="What the work answers; its shape depends on the kind.")

    class Meta:
        model = Job
        fields = (
            "id",
            "kind",
            "state",
            "done",
            "total",
            "percent",
            "result",
            "error_code",
            "attempts",
            "created_by_id",
            "created_at",
            "started_at",
            "finished_at",
        )

    def get_percent(self, job: Job) -> int:
        """Return whole percents; 100 only once the job has succeeded."""
        if job.state == JobState.SUCCEEDED:
            return 100
        return min(99, job.done * 100 // job.total) if job.total else 0
