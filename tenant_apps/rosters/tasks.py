"""Background work on rosters."""

from celery import shared_task

from tenant_apps.rosters.services.applying import run_applying
from tenants.task_base import OrganizationTask


@shared_task(name="rosters.apply", base=OrganizationTask)
def apply(*, job_id: str) -> None:
    """Apply the plan that the job names, or what is left of it."""
    run_applying(job_id=job_id)
