"""Tasks for tests with real worker processes; each leaves a line in a list of the tests' Valkey."""

import json
import os
import time
from typing import Any

from celery import Task, shared_task
from django.conf import settings

from shared_apps.core.fair_queue import client_of
from tenants.context import current_organization
from tenants.task_base import OrganizationTask
from tests.support.processes import wait_for

LIST = f"{settings.FAIR_QUEUE_PREFIX}test-lines"
LET_GO = f"{settings.FAIR_QUEUE_PREFIX}test-let-go"


def write_line(**facts: Any) -> None:
    """Append a line; `at` is the second it was written."""
    client_of(settings.FAIR_QUEUE_URL).rpush(LIST, json.dumps({"at": time.time(), **facts}))


def read_lines() -> list[dict[str, Any]]:
    """Return all lines so far."""
    return [json.loads(line) for line in client_of(settings.FAIR_QUEUE_URL).lrange(LIST, 0, -1)]


@shared_task(name="test.sleep", base=OrganizationTask)
def sleep(*, seconds: float, mark: str = "") -> None:
    """Say that it started, sleep, say that it ended."""
    slug = current_organization().slug
    write_line(event="start", slug=slug, mark=mark, process=os.getpid())
    time.sleep(seconds)
    write_line(event="end", slug=slug, mark=mark, process=os.getpid())


@shared_task(name="test.held", base=OrganizationTask)
def held(*, mark: str = "") -> None:
    """Say that it started, wait until the test lets go, say that it ended."""
    slug = current_organization().slug
    write_line(event="start", slug=slug, mark=mark, process=os.getpid())
    wait_for(lambda: bool(client_of(settings.FAIR_QUEUE_URL).exists(LET_GO)))
    write_line(event="end", slug=slug, mark=mark, process=os.getpid())


def let_go() -> None:
    """Let the held tasks end, those that come later too."""
    client_of(settings.FAIR_QUEUE_URL).set(LET_GO, 1)


@shared_task(name="test.again", base=OrganizationTask, bind=True, max_retries=2)
def again(self: Task[..., Any], *, mark: str, wait_seconds: float) -> None:
    """Ask twice to be run again, each time after a while."""
    write_line(event="try", mark=mark, retries=self.request.retries, slug=current_organization().slug)
    raise self.retry(countdown=wait_seconds)


@shared_task(name="test.fails", base=OrganizationTask)
def fails() -> None:
    """Break."""
    write_line(event="fails")
    raise ZeroDivisionError
