"""Forget jobs that ended long ago."""

from django.conf import settings

from shared_apps.core import clock
from shared_apps.core.pruning import delete_in_batches
from shared_apps.jobs.enums import JobState
from shared_apps.jobs.models import Job


def prune_finished() -> int:
    """Delete jobs that ended past their time, well or badly; return how many."""
    before = clock.now() - settings.KEEP_FINISHED_JOBS
    ended = Job.objects.filter(state__in=[JobState.SUCCEEDED, JobState.FAILED], finished_at__lt=before)
    return delete_in_batches(ended)
