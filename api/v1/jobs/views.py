"""Jobs: an organization's on its host, the platform's own on the platform host."""

import uuid
from typing import ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.core.polling import POLL_SECONDS
from api.core.viewsets import DomainViewSet
from api.v1.jobs.serializers import JobFilter, JobOut
from shared_apps.jobs.enums import JobState
from shared_apps.jobs.selectors.jobs import get_job, list_jobs


class JobViewSet(DomainViewSet):
    """Read jobs; acts that take long answer 202 with one."""

    policies: ClassVar[dict[str, str]] = {"list": "jobs.view", "retrieve": "jobs.view"}

    @extend_schema(parameters=[JobFilter], responses={200: JobOut(many=True)})
    def list(self, request: Request) -> Response:
        """List jobs, newest first: admins all of the organization's, others their own."""
        return self.page(JobOut, list_jobs(self.actor, **self.parsed_query(JobFilter)))

    @extend_schema(responses={200: JobOut})
    def retrieve(self, request: Request, pk: uuid.UUID) -> Response:
        """Read one job. While it is open, Retry-After says how many seconds to wait before asking again."""
        job = get_job(self.actor, pk)
        is_open = job.state in (JobState.QUEUED, JobState.RUNNING)
        return self.answer(JobOut, job, headers={"Retry-After": POLL_SECONDS} if is_open else None)
