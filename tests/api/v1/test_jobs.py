"""Jobs over HTTP: progress of one's own long work, an organization's for its admins."""

from collections.abc import Callable
from typing import Any

import pytest

from shared_apps.core.actors import Role
from shared_apps.jobs.models import Job
from shared_apps.jobs.services.running import finish_job, report_progress, start_job
from tenants.models import Organization
from tests.conftest import MemberMaker
from tests.support.client import Caller

SignIns = Callable[..., Caller]


def _job(organization: Organization | None, **fields: Any) -> Job:
    return Job.objects.create(
        organization_id=organization.id if organization else None, kind="test.work", **fields
    )


@pytest.mark.feature("OPS-02")
def test_progress_is_told_until_the_end(acme: Organization, sign_in: SignIns) -> None:
    job = _job(acme, total=200)
    admin = sign_in(acme, Role.ADMIN)
    waiting = admin.get(f"/api/v1/jobs/{job.id}")
    assert (waiting.json()["state"], waiting.json()["percent"], waiting["Retry-After"]) == ("queued", 0, "1")
    claimed = start_job(job.id, organization_id=acme.id)
    assert claimed is not None
    report_progress(claimed, done=150)
    running = admin.get(f"/api/v1/jobs/{job.id}").json()
    assert (running["state"], running["done"], running["total"], running["percent"]) == (
        "running",
        150,
        200,
        75,
    )
    report_progress(claimed, done=200)
    assert admin.get(f"/api/v1/jobs/{job.id}").json()["percent"] == 99  # done is not finished
    finish_job(claimed, {"added": 200})
    ended = admin.get(f"/api/v1/jobs/{job.id}")
    assert (ended.json()["state"], ended.json()["percent"]) == ("succeeded", 100)
    assert ended.json()["result"] == {"added": 200}
    assert "Retry-After" not in ended


@pytest.mark.feature("TEN-01")
def test_who_sees_which_jobs(
    acme: Organization, globex: Organization, member: MemberMaker, sign_in: SignIns, operator: Caller
) -> None:
    someone = member(acme)
    own = _job(acme, created_by_id=someone.user_id)
    others = _job(acme)
    foreign = _job(globex, created_by_id=someone.user_id)
    platform = _job(None)

    def seen(caller: Caller) -> set[str]:
        return {row["id"] for row in caller.get("/api/v1/jobs").json()["results"]}

    assert seen(sign_in(acme, someone)) == {str(own.id)}
    assert seen(sign_in(acme, Role.ADMIN)) == {str(own.id), str(others.id)}
    assert seen(operator) == {str(platform.id)}
    assert sign_in(acme, Role.ADMIN).get(f"/api/v1/jobs/{foreign.id}").status_code == 404
    assert sign_in(acme, someone).get(f"/api/v1/jobs/{others.id}").status_code == 404
    assert sign_in(acme, Role.ADMIN).get(f"/api/v1/jobs/{platform.id}").status_code == 404


def test_the_list_filters_and_needs_a_sign_in(
    acme: Organization,
    sign_in: SignIns,
    anonymous: Callable[[Organization], Caller],
    django_assert_max_num_queries: Any,
) -> None:
    for state in ("queued", "failed", "failed"):
        _job(acme, state=state)
    admin = sign_in(acme, Role.ADMIN)
    assert len(admin.get("/api/v1/jobs?state=failed").json()["results"]) == 2
    assert admin.get("/api/v1/jobs?kind=test.other").json()["results"] == []
    assert admin.get("/api/v1/jobs?state=none").status_code == 400
    assert anonymous(acme).get("/api/v1/jobs").status_code == 401
    with django_assert_max_num_queries(2):
        assert len(admin.get("/api/v1/jobs").json()["results"]) == 3
