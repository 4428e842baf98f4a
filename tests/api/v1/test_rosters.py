"""Bring in people by list over HTTP: the plan, and applying it."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from shared_apps.core.actors import Role
from shared_apps.jobs.models import Job
from tenant_apps.people.models import Member
from tenant_apps.rosters.services.applying import run_applying
from tenants.context import in_organization, in_public
from tenants.models import Organization
from tests.support.client import Caller
from tests.support.subscriptions import make_subscription

SignIn = Callable[..., Caller]
HEADER = "employee_id,email,first_name,last_name,department,manager_email,role,cohort\n"
THREE = HEADER + (
    "E1,boss@acme.example,Bea,Boss,Sales,,manager,Spring\n"
    "E2,ann@acme.example,Ann,Able,Sales,boss@acme.example,,Spring\n"
    "E3,bob@acme.example,Bob,Baker,Ops,boss@acme.example,learner,Spring\n"
)


def upload(caller: Caller, text: str | bytes, **options: Any) -> Any:
    content = text.encode() if isinstance(text, str) else text
    file = SimpleUploadedFile("people.csv", content, content_type="text/csv")
    options.setdefault("create_cohorts", "true")
    return caller.post("/api/v1/rosters", {"file": file, **options}, format="multipart")


def apply(caller: Caller, organization: Organization, roster: dict[str, Any], **body: Any) -> dict[str, Any]:
    """Start the job and do its work, as a worker would; return the job's result."""
    started = caller.post(f"/api/v1/rosters/{roster['id']}/apply", body)
    assert started.status_code == 202, started.json()
    with in_organization(organization):
        run_applying(job_id=started.json()["id"])
    with in_public():
        job = Job.objects.get(pk=started.json()["id"])
    assert job.state == "succeeded", job.error_code
    return dict(job.result)


def rows(caller: Caller, roster: dict[str, Any], **filters: str) -> list[dict[str, Any]]:
    answer = caller.get(f"/api/v1/rosters/{roster['id']}/rows", filters)
    assert answer.status_code == 200, answer.json()
    return list(answer.json()["results"])


@pytest.mark.feature("COH-01")
def test_a_list_is_planned_and_applied(acme: Organization, sign_in: SignIn) -> None:
    make_subscription(acme, 10)
    admin = sign_in(acme, Role.ADMIN)

    planned = upload(admin, THREE)

    assert planned.status_code == 201, planned.json()
    roster = planned.json()
    assert roster["counts"] == {"rows": 3, "add": 3, "change": 0, "skip": 0, "refuse": 0, "warned": 0}
    assert (roster["seats_needed"], roster["seats_free"]) == (3, 10)

    result = apply(admin, acme, roster)

    assert (result["done"], result["unchanged"], result["refused"]) == (3, 0, 0)
    with in_organization(acme):
        ann = Member.objects.get(email="ann@acme.example")
        assert ann.manager is not None
        assert ann.manager.email == "boss@acme.example"
