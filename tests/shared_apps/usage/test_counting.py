"""Counts reach the table exactly once, whoever dies on the way."""

import uuid
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection

from shared_apps.core import clock
from shared_apps.core.actors import Role
from shared_apps.core.clock import frozen_at
from shared_apps.core.fair_queue import fair_queue
from shared_apps.core.jobs import send_now
from shared_apps.outbox.models import OutboxMessage
from shared_apps.usage.models import DailyUsage
from shared_apps.usage.services import counting
from shared_apps.usage.services.counting import count_mails, flush_counts
from shared_apps.usage.services.measuring import measure_storage
from shared_apps.usage.types import USAGE_KEY
from tenants.context import in_organization
from tenants.models import Organization
from tenants.tickets import serve_ticket
from tests.support import worker_tasks
from tests.support.client import Caller

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _clean(shared: None) -> Any:
    _forget()
    yield
    _forget()


def _forget() -> None:
    queue = fair_queue()
    keys = list(queue.client.scan_iter(match=queue.key("*"), count=1000))
    if keys:
        queue.client.delete(*keys)


def _figures(organization: Organization) -> tuple[int, int, int] | None:
    return (
        DailyUsage.objects.filter(organization_id=organization.id)
        .values_list("requests", "tasks", "mails")
        .first()
    )


@pytest.mark.feature("OPS-02")
def test_requests_and_tasks_are_counted_for_their_organization(
    acme: Organization, globex: Organization, sign_in: Callable[..., Caller]
) -> None:
    caller = sign_in(acme, Role.LEARNER)
    for _ in range(3):
        caller.get("/api/v1/profile")
    sign_in(globex, Role.LEARNER).get("/api/v1/profile")
    for _ in range(2):
        send_now("test.sleep", organization_id=acme.id, seconds=0)
    assert serve_ticket(uuid.uuid4().hex, worker="") == ["test.sleep", "test.sleep"]
    flush_counts()
    assert (_figures(acme), _figures(globex)) == ((3, 2, 0), (1, 0, 0))
    assert DailyUsage.objects.values_list("day", flat=True).first() == clock.now().date()
    assert len(worker_tasks.read_lines()) == 4


def test_a_second_flush_adds_only_what_is_new(acme: Organization, sign_in: Callable[..., Caller]) -> None:
    caller = sign_in(acme, Role.LEARNER)
    caller.get("/api/v1/profile")
    flush_counts()
    assert flush_counts() == 0
    caller.get("/api/v1/profile")
    flush_counts()
    assert _figures(acme) == (2, 0, 0)


@pytest.mark.feature("OPS-02")
@pytest.mark.parametrize("dies", ["before the write", "after the write"])
def test_a_killed_flush_counts_nothing_twice_and_loses_nothing(
    dies: str, acme: Organization, sign_in: Callable[..., Caller], monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a flush that dies
    caller = sign_in(acme, Role.LEARNER)
    for _ in range(5):
        caller.get("/api/v1/profile")

    class Killed(BaseException):
        pass

    def die(*arguments: Any, **named: Any) -> Any:
        raise Killed

    if dies == "before the write":
        monkeypatch.setattr(counting, "_write", die)
    else:
        client = cache._cache.get_client(None, write=True)  # type: ignore[attr-defined]
        monkeypatch.setattr(type(client), "eval", die)
    with pytest.raises(Killed):
        flush_counts()
    monkeypatch.undo()
    # when requests go on and another flush comes
    caller.get("/api/v1/profile")
    flush_counts()
    flush_counts()
    # then each was counted once
    assert _figures(acme) == (6, 0, 0)
    assert not client_of_cache().exists(f"{cache.make_key(USAGE_KEY)}:taken")


def client_of_cache() -> Any:
    return cache._cache.get_client(None, write=True)  # type: ignore[attr-defined]


def test_mails_are_those_delivered_and_counting_again_changes_nothing(
    acme: Organization, globex: Organization
) -> None:
    for organization, topic, delivered in [
        (acme, "mail.send", NOW),
        (acme, "mail.send", NOW),
        (acme, "event.something", NOW),
        (acme, "mail.send", None),
        (globex, "mail.send", NOW),
        (None, "mail.send", NOW),
    ]:
        OutboxMessage.objects.create(
            organization_id=organization.id if organization else None, topic=topic, delivered_at=delivered
        )
    with frozen_at(NOW):
        assert [count_mails(), count_mails()] == [2, 2]
    rows = DailyUsage.objects.values_list("organization_id", "day", "mails")
    assert set(rows) == {(acme.id, date(2026, 5, 4), 2), (globex.id, date(2026, 5, 4), 1)}


@pytest.mark.feature("OPS-02")
def test_storage_is_that_of_the_own_schema_and_the_days_last(acme: Organization) -> None:
    with in_organization(acme), connection.cursor() as cursor:
        cursor.execute(
            "SELECT sum(pg_total_relation_size(c.oid)) FROM pg_class c"
            " WHERE relnamespace = %s::regnamespace AND relkind = 'r'",
            [acme.schema_name],
        )
        (expected,) = cursor.fetchone()
        measure_storage()
        measure_storage()
    row = DailyUsage.objects.get(organization_id=acme.id)
    assert (row.database_bytes, row.file_bytes) == (expected, 0)
    assert row.rows is not None
