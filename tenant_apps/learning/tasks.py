"""Background work of learning."""

from celery import shared_task

from tenant_apps.learning.services.recounting import recount_progress
from tenants.task_base import OrganizationTask


@shared_task(name="learning.recount", base=OrganizationTask)
def recount() -> int:
    """Mend counters of progress that are off; returns how many were."""
    return len(recount_progress())
