"""Enqueue background work: by name, after the commit, with ids only and the organization's id."""

import uuid
from typing import Any

import structlog
from celery import current_app
from django.conf import settings
from django.db import transaction
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from shared_apps.core.fair_queue import Task, fair_queue

log = structlog.get_logger(__name__)

TICKET = "tenants.ticket"


def enqueue(name: str, *, organization_id: uuid.UUID | None, **arguments: Any) -> None:
    """Send the named task once the open transaction commits (at once when none is open).

    An organization's task waits for its turn in the fair queue; the platform's own go straight to a queue
    that no organization's work is in.

    A broker that is down loses nothing: what must happen is in a table (outbox, jobs), and the beat's
    sweepers find it there. So a failure to send is logged, not raised into a request that already committed.

    Args:
        name: registered task name, "rosters.apply".
        organization_id: the tenant the task runs in; None for tasks of the platform.
        arguments: JSON-ready keyword arguments, ids rather than objects.
    """
    transaction.on_commit(lambda: send_now(name, organization_id=organization_id, **arguments))


def send_now(name: str, *, organization_id: uuid.UUID | None, **arguments: Any) -> bool:
    """Send without waiting for a commit, for work that an open transaction does not bring about; False, and
    a line in the log, when it could not be sent. Arguments as of `enqueue`."""
    payload = {key: str(value) if isinstance(value, uuid.UUID) else value for key, value in arguments.items()}
    try:
        if organization_id is None:
            current_app.send_task(name, kwargs=payload, retry=False)
        else:
            payload["organization_id"] = str(organization_id)
            put_task(Task(name, str(organization_id), payload))
    except (OperationalError, RedisError, OSError) as error:
        log.warning("job_not_sent", job=name, error=str(error))
        return False
    return True


def put_task(task: Task, *, wait_seconds: float = 0) -> None:
    """Let a task wait for its turn. With Valkey away and another broker up it goes there itself, unfairly.

    Raises:
        OperationalError, OSError: the broker cannot be reached. A task that is in the queue by then is found
            by the sweep.
    """
    try:
        needs_ticket = fair_queue().put(task, wait_seconds=wait_seconds)
    except RedisError as error:
        log.warning("fair_queue_away", job=task.name, error=str(error))
        current_app.send_task(
            task.name,
            kwargs=task.kwargs,
            task_id=task.id,
            queue=settings.TENANT_QUEUE,
            countdown=wait_seconds or None,
            retry=False,
        )
        return
    if needs_ticket:
        send_tickets(1)


def send_tickets(number: int) -> None:
    """Call that many free workers to the fair queue.

    Raises:
        OperationalError, OSError: the broker cannot be reached.
    """
    for _ in range(number):
        current_app.send_task(TICKET, queue=settings.TENANT_QUEUE, retry=False)


def count_tickets() -> int:
    """Return how many tickets the broker holds that no worker has.

    Raises:
        OperationalError, OSError: the broker cannot be reached.
    """
    with current_app.connection_for_read() as connection:
        queue = current_app.amqp.queues[settings.TENANT_QUEUE](connection.default_channel)
        declared: Any = queue.queue_declare()
        return int(declared.message_count)
