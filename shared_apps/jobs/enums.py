"""States of a job."""

from django.db import models


class JobState(models.TextChoices):
    """Life of a job."""

    QUEUED = "queued", "Queued"
    RUNNING = "running", "Running"
    SUCCEEDED = "succeeded", "Succeeded"
    FAILED = "failed", "Failed"
