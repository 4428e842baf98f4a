"""Background work of billing; all of it the platform's."""

import uuid

from celery import shared_task

from billing.services.accounts import refresh_account
from billing.services.changes import make_change, resend_changes
from billing.services.checkouts import sweep_checkouts
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


@shared_task(name="billing.make_change", base=PlatformTask)
def make_seat_change(change_id: str) -> str | None:
    """Go on with a change of seats."""
    return make_change(uuid.UUID(change_id))


@shared_task(name="billing.resend_changes", base=PlatformTask)
def resend_seat_changes() -> int:
    """Send changes again whose task was lost."""
    return resend_changes()


@shared_task(name="billing.sweep_checkouts", base=PlatformTask)
def sweep_open_checkouts() -> int:
    """Settle pages whose time is over."""
    return sweep_checkouts()


@shared_task(name="billing.refresh_account", base=PlatformTask)
def refresh_billing_account(account_id: str) -> bool:
    """Look at an organization as a customer of the gateway."""
    return refresh_account(uuid.UUID(account_id))
