"""Background work on archives. In the shared schema: an organization's host may be closed by then."""

from celery import shared_task

from shared_apps.archives.services import keeping
from tenants.task_base import OrganizationPublicTask, PlatformTask


@shared_task(name="archives.export", base=OrganizationPublicTask)
def export(job_id: str, organization_id: str) -> None:
    """Write the archive that a job asks for."""
    keeping.run_export(job_id=job_id, organization_id=organization_id)


@shared_task(name="archives.remove_expired", base=PlatformTask)
def remove_expired() -> int:
    """Remove archives whose time is over."""
    return keeping.remove_expired()
