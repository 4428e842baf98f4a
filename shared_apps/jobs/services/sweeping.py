"""Send lost jobs again."""

import uuid

import structlog
from django.db import transaction

from shared_apps.core import clock
from shared_apps.core.jobs import enqueue
from shared_apps.core.transactions import require_transaction
from shared_apps.jobs.enums import JobState
from shared_apps.jobs.models import Job
from shared_apps.jobs.services.running import MOST_ATTEMPTS, SILENCE, WORKER_LOST

log = structlog.get_logger(__name__)
_AT_ONCE = 500
ORGANIZATION_GONE = "organization_gone"


def do_end_jobs(*, organization_id: uuid.UUID) -> int:
    """End the open jobs of an organization that is being deleted, else they would be sent for ever to a host
    that no longer is; return how many. A worker that still runs one loses it at its next report."""
    require_transaction()
    now = clock.now()
    return Job.objects.filter(
        organization_id=organization_id, state__in=[JobState.QUEUED, JobState.RUNNING]
    ).update(state=JobState.FAILED, error_code=ORGANIZATION_GONE, finished_at=now, updated_at=now)


def restart_lost_jobs() -> int:
    """Send every open job again that showed no sign of life for a minute; return how many.

    A waiting job may just stand in a long queue, so it is sent again without end (one worker only can claim
    it); a running one has lost its worker and ends as "worker_lost" after five attempts.
    """
    now = clock.now()
    sent = 0
    with transaction.atomic():
        lost = (
            Job.objects.select_for_update(skip_locked=True)
            .filter(state__in=[JobState.QUEUED, JobState.RUNNING], heartbeat_at__lt=now - SILENCE)
            .order_by("id")[:_AT_ONCE]
        )
        for job in lost:
            if job.state == JobState.RUNNING and job.attempts >= MOST_ATTEMPTS:
                job.state, job.error_code, job.finished_at = JobState.FAILED, WORKER_LOST, now
                job.save_fields("state", "error_code", "finished_at")
                log.error("job_gave_up", job=str(job.id), kind=job.kind)
                continue
            job.state, job.heartbeat_at = JobState.QUEUED, now
            job.save_fields("state", "heartbeat_at")
            enqueue(job.kind, organization_id=job.organization_id, job_id=job.id)
            sent += 1
    return sent
