"""Tasks of the fairness benchmark; loaded into its workers only."""

import time

from celery import shared_task
from django.conf import settings

from shared_apps.core.fair_queue import client_of
from tenants.task_base import OrganizationTask

DELAYS = "bench:fairness:delays"


@shared_task(name="bench.work", base=OrganizationTask)
def work(*, seconds: float, sent_at: float | None = None) -> None:
    """Wait as for a service elsewhere; note how long after its sending the task began.

    Args:
        seconds: of the task.
        sent_at: second since the epoch; None for tasks nobody measures.
    """
    if sent_at is not None:
        client_of(settings.FAIR_QUEUE_URL).rpush(DELAYS, time.time() - sent_at)
    time.sleep(seconds)
