"""Background work of runs."""

from celery import shared_task

from tenant_apps.runs.services.expiring import expire_enrollments
from tenants.task_base import OrganizationTask


@shared_task(name="runs.expire", base=OrganizationTask)
def expire() -> int:
    """End access whose time is over, and let people in from waiting lists."""
    return expire_enrollments()
