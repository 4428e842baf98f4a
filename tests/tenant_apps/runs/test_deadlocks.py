"""Two transactions that wait for each other: the database ends one, and its caller may try again."""

import threading
import time
from collections.abc import Callable
from typing import Any

from django.db import connection, transaction

from shared_apps.accounts.models import Membership
from shared_apps.core.actors import Role
from tenant_apps.runs.locks import enrollment_to_change, run_to_change
from tenant_apps.runs.models import Enrollment
from tenants.context import in_organization
from tenants.models import Organization
from tests.factories.courses import make_published_course
from tests.factories.runs import make_enrollment, make_run
from tests.support.measures import run_together


def test_a_deadlock_is_busy_and_writes_nothing(
    committed: None, acme: Organization, member: Callable[..., Membership], sign_in: Callable[..., Any]
) -> None:
    run_id = make_run(acme, make_published_course(acme))
    enrollment_id = make_enrollment(acme, run_id, member(acme).pk)
    admin, path = sign_in(acme, Role.ADMIN), f"/api/v1/enrollments/{enrollment_id}/suspend"
    held, answers = threading.Event(), list[Any]()

    def hold_the_wrong_way_round() -> None:
        try:
            with in_organization(acme), transaction.atomic():
                enrollment_to_change(enrollment_id).get()
                held.set()
                _wait_for_somebody_who_waits()
                run_to_change(run_id).get()
        finally:
            connection.close()

    def suspend() -> None:
        try:
            assert held.wait(10)
            answers.append(admin.post(path))
        finally:
            connection.close()

    run_together([hold_the_wrong_way_round, suspend])

    assert [(each.status_code, each.json()["code"]) for each in answers] == [(503, "busy")]
    assert answers[0]["Retry-After"] == "1"
    with in_organization(acme):
        assert Enrollment.objects.get(pk=enrollment_id).state == "active"
    assert admin.post(path).json()["state"] == "suspended"


def _wait_for_somebody_who_waits() -> None:
    """Return once another transaction waits for a row of ours; ten seconds at most."""
    with connection.cursor() as cursor:
        for _ in range(500):
            cursor.execute(
                "SELECT count(*) FROM pg_locks"
                " WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"
            )
            if cursor.fetchone()[0]:
                return
            time.sleep(0.02)
    raise AssertionError("nobody waited")
