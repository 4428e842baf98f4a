"""Read jobs."""

import uuid

from django.db.models import QuerySet

from shared_apps.core.actors import Actor
from shared_apps.core.errors import NotFound
from shared_apps.jobs.models import Job
from shared_apps.jobs.policies import visible_jobs


def list_jobs(actor: Actor, *, state: str = "", kind: str = "") -> QuerySet[Job]:
    """Return the jobs the actor may see, newest first; empty filters filter nothing."""
    jobs = visible_jobs(actor)
    if state:
        jobs = jobs.filter(state=state)
    if kind:
        jobs = jobs.filter(kind=kind)
    return jobs.order_by("-id")


def get_job(actor: Actor, job_id: uuid.UUID) -> Job:
    """Return one job.

    Raises:
        NotFound: no such job, or not the actor's to see.
    """
    job = visible_jobs(actor).filter(pk=job_id).first()
    if job is None:
        raise NotFound
    return job
