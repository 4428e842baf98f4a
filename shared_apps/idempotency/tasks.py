"""Background work on remembered answers."""

from celery import shared_task

from shared_apps.idempotency import services
from tenants.task_base import PlatformTask


@shared_task(name="idempotency.forget_old", base=PlatformTask)
def forget_old() -> int:
    """Delete answers past their time."""
    return services.forget_old()
