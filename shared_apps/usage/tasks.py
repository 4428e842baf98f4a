"""Background work on figures of use, and the tick of organizations' timers."""

from datetime import timedelta

from celery import shared_task

from shared_apps.core import clock
from shared_apps.usage.services.counting import count_mails, flush_counts, forget_flushes
from shared_apps.usage.services.measuring import measure_storage
from shared_apps.usage.services.ticking import tick
from tenants.task_base import OrganizationTask, PlatformTask


@shared_task(name="usage.flush", base=PlatformTask)
def flush() -> int:
    """Write down what was counted."""
    return flush_counts()


@shared_task(name="usage.count_mails", base=PlatformTask)
def mails() -> int:
    """Count the mails of yesterday and today, and forget old batches."""
    forget_flushes(before=clock.now() - timedelta(days=7))
    return count_mails()


@shared_task(name="usage.measure", base=OrganizationTask)
def measure() -> None:
    """Measure what the organization stores."""
    measure_storage()


@shared_task(name="usage.tick", base=PlatformTask)
def tick_timers() -> int:
    """Call the organizations whose moment has come."""
    return tick()
