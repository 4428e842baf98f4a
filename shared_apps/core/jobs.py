"""Enqueue background work: by name, after the commit, with ids only and the organization's id."""

import uuid
from typing import Any

import structlog
from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

log = structlog.get_logger(__name__)


def enqueue(name: str, *, organization_id: uuid.UUID | None, **arguments: Any) -> None:
    """Send the named task once the open transaction commits (at once when none is open).

    A broker that is down loses nothing: what must happen is in a table (outbox, jobs), and the beat's
    sweepers find it there. So a failure to send is logged, not raised into a request that already committed.

    Args:
        name: registered task name, "rosters.apply".
        organization_id: the tenant the task runs in; None for tasks of the platform.
        arguments: JSON-ready keyword arguments, ids rather than objects.
    """
    payload = {key: str(value) if isinstance(value, uuid.UUID) else value for key, value in arguments.items()}
    if organization_id is not None:
        payload["organization_id"] = str(organization_id)

    def send() -> None:
        try:
            current_app.send_task(name, kwargs=payload, retry=False)
        except (OperationalError, OSError) as error:
            log.warning("job_not_sent", job=name, error=str(error))

    transaction.on_commit(send)
