"""Run a failed job again."""

import uuid

from shared_apps.core import clock
from shared_apps.core.errors import Conflict, NotFound
from shared_apps.core.jobs import enqueue
from shared_apps.core.transactions import require_transaction
from shared_apps.jobs.enums import JobState
from shared_apps.jobs.models import Job


def do_retry_job(*, job_id: uuid.UUID) -> Job:
    """Queue a failed job anew, with its tries counted from zero. Needs an open transaction.

    Jobs are safe to run twice, so what the first run did stays and is not done again.

    Raises:
        NotFound: there is none.
        Conflict: it has not failed.
    """
    require_transaction()
    job = Job.objects.select_for_update().filter(id=job_id).first()
    if job is None:
        raise NotFound(job=str(job_id))
    if job.state != JobState.FAILED:
        raise Conflict(state=job.state)
    job.state, job.attempts, job.error_code = JobState.QUEUED, 0, ""
    job.heartbeat_at, job.finished_at = clock.now(), None
    job.save_fields("state", "attempts", "error_code", "heartbeat_at", "finished_at")
    enqueue(job.kind, organization_id=job.organization_id, job_id=job.id)
    return job
