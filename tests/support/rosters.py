"""Calls of the roster API, and what a table holds before and after."""

import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection

from shared_apps.jobs.models import Job
from tenant_apps.cohorts.models import Cohort
from tenant_apps.rosters.services.applying import run_applying
from tenant_apps.runs.models import CourseRun
from tenants.context import in_organization, in_public
from tenants.models import Organization
from tests.factories.courses import make_published_course

SignIn = Callable[..., Any]

DATA = Path(__file__).resolve().parents[1] / "data" / "rosters"
HEADER = "employee_id,email,first_name,last_name,department,manager_email,role,cohort\n"
THREE = HEADER + (
    "E1,boss@acme.example,Bea,Boss,Sales,,manager,Spring\n"
    "E2,ann@acme.example,Ann,Able,Sales,boss@acme.example,,Spring\n"
    "E3,bob@acme.example,Bob,Baker,Ops,boss@acme.example,learner,Spring\n"
)


def make_run(
    organization: Organization, *, cohort: str | None = None, capacity: int | None = None
) -> uuid.UUID:
    """Open a run, and a cohort that leads into it."""
    course = make_published_course(organization)
    with in_organization(organization):
        run = CourseRun.objects.create(
            course_id=course.course_id, version_id=course.version_id, title="First", capacity=capacity
        )
        if cohort is not None:
            Cohort.objects.create(name=cohort, run=run)
    return run.id


def upload(caller: Any, text: str | bytes, **options: Any) -> Any:
    content = text.encode() if isinstance(text, str) else text
    file = SimpleUploadedFile("people.csv", content, content_type="text/csv")
    options.setdefault("create_cohorts", "true")
    return caller.post("/api/v1/rosters", {"file": file, **options}, format="multipart")


def apply(caller: Any, organization: Organization, roster: dict[str, Any], **body: Any) -> dict[str, Any]:
    """Start the job and do its work, as a worker would; return the job's result."""
    started = caller.post(f"/api/v1/rosters/{roster['id']}/apply", body)
    assert started.status_code == 202, started.json()
    assert (started["Location"], started["Retry-After"]) == (f"/api/v1/jobs/{started.json()['id']}", "1")
    with in_organization(organization):
        run_applying(job_id=started.json()["id"])
    with in_public():
        job = Job.objects.get(pk=started.json()["id"])
    assert job.state == "succeeded", job.error_code
    return dict(job.result)


def rows(caller: Any, roster: dict[str, Any], **filters: str) -> list[dict[str, Any]]:
    answer = caller.get(f"/api/v1/rosters/{roster['id']}/rows", filters)
    assert answer.status_code == 200, answer.json()
    return list(answer.json()["results"])


def table_counts(organization: Organization) -> dict[str, int]:
    """Count every row of the shared schema and of the organization's."""
    with in_public(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT schemaname, tablename FROM pg_tables WHERE schemaname IN ('public', %s)",
            [organization.schema_name],
        )
        tables = cursor.fetchall()
        counts = {}
        for schema, table in tables:
            if (schema, table) == ("public", "django_migrations"):
                continue
            cursor.execute(f'SELECT count(*) FROM "{schema}"."{table}"')
            counts[table] = int(cursor.fetchone()[0])
    return counts


def changed_tables(before: dict[str, int], after: dict[str, int]) -> dict[str, int]:
    return {table: after[table] - count for table, count in before.items() if after[table] != count}
