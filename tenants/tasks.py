"""Background work on the registry."""

from celery import shared_task

from tenants.services.schemas import refill_pool
from tenants.task_base import PlatformTask


@shared_task(name="tenants.refill_ready_schemas", base=PlatformTask)
def refill_ready_schemas() -> int:
    """Keep the pool of ready schemas at its target."""
    return refill_pool()
