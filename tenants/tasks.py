"""Background work on the registry."""

import uuid

from celery import shared_task

from tenants.services.pool import build_again, refill_pool
from tenants.task_base import PlatformTask


@shared_task(name="tenants.refill_ready_schemas", base=PlatformTask)
def refill_ready_schemas() -> int:
    """Keep the pool of ready schemas at what is wanted; return how many were built."""
    return refill_pool()


@shared_task(name="tenants.build_again", base=PlatformTask)
def build_schema_again(schema_id: str) -> bool:
    """Build a schema that an operator asked to be built again; tell whether it is there."""
    return build_again(uuid.UUID(schema_id))
