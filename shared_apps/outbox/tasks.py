"""Background work on the outbox."""

from celery import shared_task

from shared_apps.outbox.services.pruning import prune_delivered
from shared_apps.outbox.services.relaying import relay_until_empty
from tenants.task_base import PlatformTask


@shared_task(name="outbox.relay", base=PlatformTask)
def relay() -> int:
    """Deliver what is due. Woken by every send; beat sweeps for wakes that were lost."""
    return relay_until_empty()


@shared_task(name="outbox.prune", base=PlatformTask)
def prune() -> int:
    """Forget messages that were delivered long ago."""
    return prune_delivered()
