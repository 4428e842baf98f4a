"""Background work on courses."""

from celery import shared_task

from tenant_apps.courses.services.uploading import run_import
from tenants.task_base import OrganizationTask


@shared_task(name="courses.import", base=OrganizationTask)
def import_zip(*, job_id: str) -> None:
    """Import the course whose zip the job names."""
    run_import(job_id=job_id)
