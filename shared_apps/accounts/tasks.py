"""Background work on people's accounts."""

from celery import shared_task

from shared_apps.accounts.services import orphans
from shared_apps.accounts.services.pruning import prune_sign_ins
from tenants.task_base import OrganizationTask, PlatformTask


@shared_task(name="accounts.prune", base=PlatformTask)
def prune() -> int:
    """Forget sign-ins that let nobody in any more."""
    return prune_sign_ins()


@shared_task(name="accounts.count_orphans", base=OrganizationTask)
def count_orphans() -> None:
    """Look for references to people that lead nowhere."""
    orphans.count_orphans()
