"""A job runs once at a time, survives its worker, and ends."""

import threading
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction

from shared_apps.core import clock
from shared_apps.core.actors import system_actor
from shared_apps.core.errors import Conflict
from shared_apps.core.fair_queue import Task
from shared_apps.jobs.enums import JobState
from shared_apps.jobs.errors import JobLost
from shared_apps.jobs.models import Job
from shared_apps.jobs.services.running import (
    do_create_job,
    fail_job,
    finish_job,
    report_progress,
    run_job,
    start_job,
)
from shared_apps.jobs.services.sweeping import restart_lost_jobs
from tenants.context import in_public
from tenants.models import Organization
from tests.support.measures import run_together

NOW = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)
ACTOR = system_actor("test")


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    """Collect what is handed to the broker (whose delivery is not the subject here)."""
    tasks: list[tuple[str, dict[str, Any]]] = []

    def note(name: str, kwargs: dict[str, Any], **options: Any) -> None:
        tasks.append((name, kwargs))

    def note_waiting(task: Task) -> None:
        tasks.append((task.name, task.kwargs))

    monkeypatch.setattr("celery.current_app.send_task", note)
    monkeypatch.setattr("shared_apps.core.jobs.put_task", note_waiting)
    return tasks


def _job(organization_id: uuid.UUID | None = None, total: int = 0) -> Job:
    with transaction.atomic():
        return do_create_job(
            "test.work", organization_id=organization_id, arguments={"a": 1}, created_by=ACTOR, total=total
        )


@pytest.mark.feature("OPS-02")
def test_a_job_is_sent_after_the_commit_and_reports_until_it_is_done(
    acme: Organization, sent: list[Any], django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        job = _job(acme.id, total=10)
        assert sent == []
    assert sent == [("test.work", {"job_id": str(job.id), "organization_id": str(acme.id)})]

    def work(running: Job) -> dict[str, Any]:
        assert running.arguments == {"a": 1}
        report_progress(running, done=4)
        assert Job.objects.values_list("state", "done", "total").get() == ("running", 4, 10)
        return {"made": 4}

    run_job(job.id, organization_id=acme.id, work=work)
    job.refresh_from_db()
    assert (job.state, job.result, job.attempts) == (JobState.SUCCEEDED, {"made": 4}, 1)
    assert job.finished_at is not None


def test_a_job_of_another_organization_is_not_touched(acme: Organization, globex: Organization) -> None:
    job = _job(acme.id)
    assert start_job(job.id, organization_id=globex.id) is None
    assert start_job(job.id, organization_id=None) is None
    assert start_job(job.id, organization_id=acme.id) is not None


def test_a_finished_job_does_not_run_again(shared: None) -> None:
    job = _job()
    runs: list[int] = []

    def work(running: Job) -> dict[str, Any]:
        runs.append(running.attempts)
        return {}

    run_job(job.id, organization_id=None, work=work)
    run_job(job.id, organization_id=None, work=work)
    assert runs == [1]


class _Full(Conflict):
    code = "full"


def test_a_refusal_of_the_domain_is_the_jobs_error_a_fault_is_raised_too(shared: None) -> None:
    def refuse(job: Job) -> dict[str, Any]:
        raise _Full(free=0)

    def break_down(job: Job) -> dict[str, Any]:
        raise ZeroDivisionError

    refused, broken = _job(), _job()
    run_job(refused.id, organization_id=None, work=refuse)
    with pytest.raises(ZeroDivisionError):
        run_job(broken.id, organization_id=None, work=break_down)
    rows = Job.objects.order_by("id").values_list("state", "error_code", "result")
    assert list(rows) == [("failed", "full", {"free": 0}), ("failed", "internal_error", {})]


def test_a_lost_database_leaves_the_job_to_the_sweep(shared: None, sent: list[Any]) -> None:
    def lose(job: Job) -> dict[str, Any]:
        raise OperationalError("server closed the connection")

    with clock.frozen_at(NOW):
        job = _job()
        with pytest.raises(OperationalError):
            run_job(job.id, organization_id=None, work=lose)
        assert restart_lost_jobs() == 0
    with clock.frozen_at(NOW + timedelta(seconds=61)):
        assert restart_lost_jobs() == 1
        again = start_job(job.id, organization_id=None)
    assert again is not None
    assert again.attempts == 2


@pytest.mark.feature("OPS-02")
def test_a_worker_that_wakes_up_late_cannot_write_over_its_successor(shared: None) -> None:
    with clock.frozen_at(NOW):
        first = start_job(_job().id, organization_id=None)
        assert first is not None
        assert start_job(first.id, organization_id=None) is None
    with clock.frozen_at(NOW + timedelta(seconds=61)):
        second = start_job(first.id, organization_id=None)
        assert second is not None
        with pytest.raises(JobLost):
            report_progress(first, done=1)
        with pytest.raises(JobLost):
            finish_job(first, {"by": "first"})
        with pytest.raises(JobLost):
            fail_job(first, "late")
        finish_job(second, {"by": "second"})
    assert Job.objects.values_list("state", "result").get() == ("succeeded", {"by": "second"})


def test_a_job_that_loses_five_workers_fails(shared: None) -> None:
    job = _job()
    for attempt in range(1, 6):
        with clock.frozen_at(NOW + timedelta(minutes=3 * attempt)):
            Job.objects.filter(state="queued").update(heartbeat_at=clock.now())
            claimed = start_job(job.id, organization_id=None)
            assert claimed is not None
            assert claimed.attempts == attempt
        with clock.frozen_at(NOW + timedelta(minutes=3 * attempt + 2)):
            restart_lost_jobs()
    job.refresh_from_db()
    assert (job.state, job.error_code) == ("failed", "worker_lost")


def test_a_job_that_waits_long_is_sent_again_without_counting(shared: None) -> None:
    with clock.frozen_at(NOW):
        job = _job()
    for minute in range(1, 9):
        with clock.frozen_at(NOW + timedelta(minutes=2 * minute)):
            assert restart_lost_jobs() == 1
            assert restart_lost_jobs() == 0
    job.refresh_from_db()
    assert (job.state, job.attempts) == ("queued", 0)


def test_parallel_workers_claim_a_job_once(committed: None) -> None:
    job = _job()
    claims: list[bool] = []
    gate = threading.Barrier(6)

    def claim() -> None:
        try:
            with in_public():
                gate.wait()
                claims.append(start_job(job.id, organization_id=None) is not None)
        finally:
            connection.close()

    run_together([claim] * 6)
    assert sorted(claims) == [False] * 5 + [True]
