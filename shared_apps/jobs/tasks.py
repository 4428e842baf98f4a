"""Background work on jobs themselves."""

from celery import shared_task

from shared_apps.jobs.services.pruning import prune_finished
from shared_apps.jobs.services.sweeping import restart_lost_jobs
from tenants.task_base import PlatformTask


@shared_task(name="jobs.restart_lost", base=PlatformTask)
def restart_lost() -> int:
    """Send jobs again whose worker died."""
    return restart_lost_jobs()


@shared_task(name="jobs.prune", base=PlatformTask)
def prune() -> int:
    """Forget jobs that ended long ago."""
    return prune_finished()
