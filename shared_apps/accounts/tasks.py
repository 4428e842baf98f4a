"""Background work on people's accounts."""

from celery import shared_task

from shared_apps.accounts.services.pruning import prune_sign_ins
from tenants.task_base import PlatformTask


@shared_task(name="accounts.prune", base=PlatformTask)
def prune() -> int:
    """Forget sign-ins that let nobody in any more."""
    return prune_sign_ins()
