"""Writing that is kept for a lesson which somebody else deletes in the same moment."""

import threading
import time
from typing import Any

from django.db import connection, transaction

from tenant_apps.courses.models import Lesson, WorkingCopy
from tenants.context import in_organization
from tenants.models import Organization
from tests.support.client import caller_as
from tests.support.measures import run_together
from tests.support.world import build_world


def test_autosave_of_a_lesson_that_goes_is_a_conflict_and_keeps_nothing(
    committed: None, acme: Organization
) -> None:
    world = build_world(acme, "ALPHAMARK")
    author = caller_as(world.owner, acme)
    lesson_id, version_id = world.ids["lessons"], world.ids["versions"]
    path = f"/api/v1/versions/{version_id}/lessons/{lesson_id}"
    deleted, answers = threading.Event(), list[Any]()

    def delete() -> None:
        try:
            with in_organization(acme), transaction.atomic():
                WorkingCopy.objects.filter(lesson_id=lesson_id).delete()
                Lesson.objects.filter(pk=lesson_id).delete()
                deleted.set()
                _wait_for_somebody_who_waits()
        finally:
            connection.close()

    def write() -> None:
        try:
            assert deleted.wait(10)
            answers.append(author.put(f"{path}/autosave", {"facts": {"title": "Late"}}))
        finally:
            connection.close()

    run_together([delete, write])

    assert [(each.status_code, each.json()["code"]) for each in answers] == [(409, "changed_meanwhile")]
    with in_organization(acme):
        assert not WorkingCopy.objects.filter(lesson_id=lesson_id).exists()
    assert author.put(f"{path}/autosave", {"facts": {"title": "Later"}}).status_code == 404


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
    raise AssertionError("nobody waited for the deleted lesson")
