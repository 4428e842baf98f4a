"""Background work of billing; all of it the platform's."""

from celery import shared_task

from billing.services.inbox import fill_gaps, process_event, sweep
from tenants.task_base import PlatformTask


@shared_task(name="billing.process_event", base=PlatformTask)
def process_gateway_event(event_key: str) -> str | None:
    """Work one message of the gateway off."""
    return process_event(event_key)


@shared_task(name="billing.sweep_events", base=PlatformTask)
def sweep_gateway_events() -> int:
    """Send what is due again."""
    return sweep()


@shared_task(name="billing.fill_gaps", base=PlatformTask)
def fill_gateway_gaps() -> int:
    """Ask for messages that never arrived."""
    return fill_gaps()
