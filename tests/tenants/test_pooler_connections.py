"""Connections of a process: its pool, further aliases, and commands that go past a pooler."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import ProgrammingError, connections

from config import env
from config.direct import use_direct_connection
from tenant_apps.people.models import Member
from tenants.context import in_organization, in_public
from tenants.models import Organization
from tenants.postgresql import base as session
from tenants.postgresql.transactional import base as transactional
from tenants.scope import NOWHERE, current_scope
from tests.support.server import database_url

KINDS = [
    pytest.param(session.DatabaseWrapper, id="session"),
    pytest.param(transactional.DatabaseWrapper, id="transaction"),
]


@pytest.fixture(params=KINDS)
def replica(request: pytest.FixtureRequest, committed: None) -> Iterator[session.DatabaseWrapper]:
    """A second alias on this worker's database, as a read replica would be."""
    made = request.param({**connections["default"].settings_dict}, alias="replica")
    connections.databases["replica"] = made.settings_dict
    connections["replica"] = made
    yield made
    made.close()
    del connections["replica"]
    del connections.databases["replica"]


@pytest.mark.leak(30)
@pytest.mark.feature("TEN-05")
def test_a_second_alias_stands_where_the_first_does(
    replica: session.DatabaseWrapper, acme: Organization, globex: Organization
) -> None:
    def emails() -> list[str]:
        return list(Member.objects.using("replica").values_list("email", flat=True))

    for organization in (acme, globex, acme):
        with in_organization(organization):
            assert emails() == [f"owner@{organization.slug}.example"]
            with in_public(), pytest.raises(ProgrammingError, match="people_member"):
                emails()
            assert emails() == [f"owner@{organization.slug}.example"]
    with in_public(), replica.cursor() as cursor:
        cursor.execute("SELECT current_user = session_user")
        assert cursor.fetchone() == (True,)


@pytest.fixture(params=KINDS)
def pooled(request: pytest.FixtureRequest, committed: None) -> Iterator[session.DatabaseWrapper]:
    """This thread's connection comes from a pool of one."""
    usual = connections["default"]
    facts = {**usual.settings_dict}
    facts["OPTIONS"] = {**facts["OPTIONS"], "pool": {"min_size": 1, "max_size": 1, "timeout": 30}}
    made = request.param(facts, alias="default")
    connections["default"] = made
    yield made
    made.set_scope(NOWHERE)
    made.close()
    made.close_pool()
    connections["default"] = usual


def _standing(cursor: Any) -> tuple[str, bool]:
    cursor.execute("SELECT current_setting('search_path'), current_user = session_user")
    found: tuple[str, bool] = cursor.fetchone()
    return found


@pytest.mark.leak(13)
def test_who_takes_a_connection_from_the_pool_by_hand_stands_nowhere(
    pooled: session.DatabaseWrapper, acme: Organization
) -> None:
    with in_organization(acme):
        assert Member.objects.count() == 1
        pooled.close()
    assert pooled.pool is not None
    for _ in range(2):
        with pooled.pool.connection() as raw, raw.cursor() as cursor:
            assert _standing(cursor) == ('""', True)
    with in_organization(acme):
        assert Member.objects.count() == 1


def test_a_connection_that_reached_its_lifetime_is_replaced(committed: None, acme: Organization) -> None:
    """What a backend remembers of the tables it touched ends with it."""
    facts = {**connections["default"].settings_dict}
    seen: dict[float, set[int]] = {}
    for lifetime in (600.0, 0.1):
        pool = {"min_size": 1, "max_size": 1, "timeout": 30, "max_lifetime": lifetime}
        facts["OPTIONS"] = {**facts["OPTIONS"], "pool": pool}
        wrapper = session.DatabaseWrapper(facts, alias="default")
        seen[lifetime] = set()
        try:
            for _ in range(3):
                wrapper.ensure_connection()
                seen[lifetime].add(wrapper.connection.info.backend_pid)
                time.sleep(0.15)
                wrapper.close()
        finally:
            wrapper.close_pool()
    assert (len(seen[600.0]), len(seen[0.1])) == (1, 3)


def test_leaving_the_last_scope_frees_the_connection_for_others(committed: None, acme: Organization) -> None:
    usual = connections["default"]
    facts = {**usual.settings_dict}
    facts["OPTIONS"] = {**facts["OPTIONS"], "pool": {"min_size": 1, "max_size": 1, "timeout": 30}}
    token = current_scope.set(NOWHERE)
    wrappers = [session.DatabaseWrapper(facts, alias="default") for _ in range(2)]
    try:
        for wrapper in wrappers:  # a pool of one: the second would wait in vain
            connections["default"] = wrapper
            with in_organization(acme), wrapper.cursor() as cursor:
                assert _standing(cursor) == (f"{acme.schema_name}, public", False)
            assert wrapper.connection is None
    finally:
        current_scope.reset(token)
        for wrapper in wrappers:
            wrapper.close()
        wrappers[0].close_pool()
        connections["default"] = usual


@pytest.mark.parametrize(
    ("command", "direct", "goes_past"),
    [
        (["migrate"], "postgresql://direct/x", True),
        (["migrate_tenants", "--workers", "2"], "postgresql://direct/x", True),
        (["migrate"], "", False),
        (["check"], "postgresql://direct/x", False),
        ([], "postgresql://direct/x", False),
    ],
)
def test_commands_that_change_schemas_go_past_the_pooler(
    command: list[str], direct: str, goes_past: bool
) -> None:
    environment = {
        "DATABASE_URL": "postgresql://pooler/x",
        "DATABASE_POOLING": "transaction",
        "DATABASE_DIRECT_URL": direct,
    }
    assert use_direct_connection(command, environment) is goes_past
    assert environment["DATABASE_URL"] == (direct if goes_past else "postgresql://pooler/x")
    assert environment["DATABASE_POOLING"] == ("session" if goes_past else "transaction")


@pytest.mark.slow
def test_a_command_reaches_postgres_itself_where_the_pooler_is_away(committed: None) -> None:
    environment = {
        **os.environ,
        "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
        "DATABASE_POOLING": "transaction",
        "DATABASE_DIRECT_URL": database_url(),
        "REDIS_URL": str(settings.CELERY_BROKER_URL),
        "DJANGO_SETTINGS_MODULE": "config.settings.test",
    }
    done = subprocess.run(
        [sys.executable, "manage.py", "migrate", "--check"],
        cwd=settings.BASE_DIR,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]


def test_an_unknown_way_of_pooling_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_POOLING", "statement")
    with pytest.raises(ImproperlyConfigured, match="DATABASE_POOLING must be one of session, transaction"):
        env.choice("DATABASE_POOLING", "session", {"session": "a", "transaction": "b"})
