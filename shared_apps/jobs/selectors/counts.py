"""How the jobs stand, for the operators."""

from datetime import timedelta

from shared_apps.core import clock
from shared_apps.jobs.enums import JobState
from shared_apps.jobs.models import Job

RECENT = timedelta(days=7)


def count_failed_jobs() -> int:
    """Return how many jobs failed in the last seven days, over all organizations."""
    return Job.objects.filter(state=JobState.FAILED, finished_at__gte=clock.now() - RECENT).count()
