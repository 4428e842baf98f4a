"""Long work a person waits for: its progress and its result."""

from django.db import models

from shared_apps.core.models import Record
from shared_apps.jobs.enums import JobState


class Job(Record):
    """One piece of long work, seen by its organization. The work itself is a task named `kind`.

    A worker stamps `heartbeat_at` while it works; a running job whose stamp is old lost its worker and is
    sent again, so the task must be safe to run twice.
    """

    organization_id = models.UUIDField(null=True, blank=True)
    kind = models.CharField(max_length=80)
    state = models.CharField(max_length=10, choices=JobState.choices, default=JobState.QUEUED)
    arguments = models.JSONField(default=dict)
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    result = models.JSONField(default=dict)
    error_code = models.CharField(max_length=80, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    created_by_id = models.UUIDField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-id",)
        indexes = [
            models.Index(
                fields=["heartbeat_at"], condition=models.Q(state__in=["queued", "running"]), name="job_open"
            ),
            models.Index(fields=["organization_id", "-id"], name="job_by_organization"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.state}"
