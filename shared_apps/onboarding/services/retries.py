"""Operators try failed background work again."""

import uuid

from shared_apps.audit.services import do_record
from shared_apps.core.actors import Actor
from shared_apps.core.policies import require
from shared_apps.core.transactions import entry_transaction
from shared_apps.jobs.models import Job
from shared_apps.jobs.services.retrying import do_retry_job
from shared_apps.onboarding.policies import ORGANIZATIONS_MANAGE
from shared_apps.outbox.models import OutboxMessage
from shared_apps.outbox.services.retrying import do_retry_message


def retry_message(*, actor: Actor, message_id: int) -> OutboxMessage:
    """Deliver a given-up outbox message after all.

    Raises:
        NotFound, Conflict: see `do_retry_message`.
    """
    with entry_transaction():
        require(actor, ORGANIZATIONS_MANAGE)
        message = do_retry_message(message_id=message_id)
        do_record(actor=actor, action="outbox.retry", organization_id=message.organization_id, target=message)
    return message


def retry_job(*, actor: Actor, job_id: uuid.UUID) -> Job:
    """Run a failed job again.

    Raises:
        NotFound, Conflict: see `do_retry_job`.
    """
    with entry_transaction():
        require(actor, ORGANIZATIONS_MANAGE)
        job = do_retry_job(job_id=job_id)
        do_record(actor=actor, action="jobs.retry", organization_id=job.organization_id, target=job)
    return job
