"""A job from its birth to its end: made with the act that needs it, claimed by one worker, finished.

Every change of a running job names the attempt it belongs to, so a worker that was thought dead, and wakes
up, cannot write over the one that took its place.
"""

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import structlog
from django.db import InterfaceError, OperationalError
from django.db.models import F, Q
from django.db.models.functions import Coalesce

from shared_apps.core import clock
from shared_apps.core.actors import Actor
from shared_apps.core.errors import DomainError
from shared_apps.core.jobs import enqueue
from shared_apps.core.transactions import require_transaction
from shared_apps.jobs.enums import JobState
from shared_apps.jobs.errors import JobLost
from shared_apps.jobs.models import Job

log = structlog.get_logger(__name__)

SILENCE = timedelta(seconds=60)
MOST_ATTEMPTS = 5
WORKER_LOST = "worker_lost"


def do_create_job(
    kind: str,
    *,
    organization_id: uuid.UUID | None,
    arguments: dict[str, Any],
    created_by: Actor,
    total: int = 0,
) -> Job:
    """Make the job and, after the commit, send the task `kind` with its `job_id`.

    Args:
        kind: name of the registered task, which takes `job_id`.
        arguments: JSON-ready; the task reads them from the row.
        total: units of work, when known before.
    """
    require_transaction()
    job = Job.objects.create(
        kind=kind,
        organization_id=organization_id,
        arguments=arguments,
        created_by_id=created_by.user_id,
        total=total,
        heartbeat_at=clock.now(),
    )
    enqueue(kind, organization_id=organization_id, job_id=job.id)
    return job


def run_job(
    job_id: uuid.UUID | str, *, organization_id: uuid.UUID | None, work: Callable[[Job], dict[str, Any]]
) -> None:
    """Claim the job, do the work, record its result. Does nothing when another worker has it or it is over.

    A DomainError ends the job with its code; a lost database connection leaves it to `restart_lost`; any
    other exception ends it with "internal_error" and is raised.

    Args:
        organization_id: the organization the task runs for; a job of another is not touched.
        work: gets the job, calls `report_progress`, returns the JSON-ready result. Safe to run again.
    """
    job = start_job(job_id, organization_id=organization_id)
    if job is None:
        return
    try:
        finish_job(job, work(job))
    except JobLost:
        log.warning("job_lost", job=str(job.id), kind=job.kind)
    except DomainError as error:
        fail_job(job, error.code, facts=error.facts)
    except (OperationalError, InterfaceError):
        log.exception("job_interrupted", job=str(job.id), kind=job.kind)
        raise
    except Exception:
        fail_job(job, "internal_error")
        raise


def start_job(job_id: uuid.UUID | str, *, organization_id: uuid.UUID | None) -> Job | None:
    """Claim a job that waits, or whose worker has been silent for a minute; None when it is not to be had."""
    now = clock.now()
    claimed = (
        Job.objects.filter(pk=job_id, organization_id=organization_id)
        .filter(Q(state=JobState.QUEUED) | Q(state=JobState.RUNNING, heartbeat_at__lt=now - SILENCE))
        .update(
            state=JobState.RUNNING,
            attempts=F("attempts") + 1,
            started_at=Coalesce("started_at", now),
            heartbeat_at=now,
            updated_at=now,
        )
    )
    return Job.objects.get(pk=job_id) if claimed else None


def report_progress(job: Job, *, done: int, total: int | None = None) -> None:
    """Write how far the work is, which is the sign of life too: call it at least every 20 s.

    One short statement. Inside a transaction others see it, and the sign of life, only after the commit.

    Raises:
        JobLost: the job is no longer this worker's.
    """
    job.done = done
    job.total = job.total if total is None else total
    _write(job, done=job.done, total=job.total, heartbeat_at=clock.now())


def finish_job(job: Job, result: dict[str, Any]) -> None:
    """End the job well.

    Raises:
        JobLost: the job is no longer this worker's.
    """
    _write(job, state=JobState.SUCCEEDED, result=result, finished_at=clock.now())
    job.state, job.result = JobState.SUCCEEDED, result


def fail_job(job: Job, code: str, *, facts: dict[str, Any] | None = None) -> None:
    """End the job with an error code; `facts` are kept as its result.

    Raises:
        JobLost: the job is no longer this worker's.
    """
    _write(job, state=JobState.FAILED, error_code=code, result=facts or {}, finished_at=clock.now())
    job.state, job.error_code = JobState.FAILED, code


def _write(job: Job, **fields: Any) -> None:
    own = Job.objects.filter(pk=job.pk, state=JobState.RUNNING, attempts=job.attempts)
    if not own.update(**fields, updated_at=clock.now()):
        raise JobLost(str(job.pk))
