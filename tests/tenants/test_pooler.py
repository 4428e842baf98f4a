"""Six clients hop between two organizations over two shared sessions of a real PgBouncer.

Its transaction mode gives each transaction whichever session is free. Behind it the backend for sessions of
one's own reads and writes in the wrong place, which is the control: this storm can fail. The backend that
says in each transaction where it stands never does.
"""

import threading
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import psycopg
import pytest
from django.db import DatabaseError, IntegrityError, connections, transaction

from config import env
from tenant_apps.cohorts.models import Cohort
from tenant_apps.people.models import Member
from tenants.context import in_organization, in_public
from tenants.models import Organization
from tenants.postgresql import base as session
from tenants.postgresql.prepared import prepared_cursor
from tenants.postgresql.transactional import base as transactional
from tests.support.measures import run_together
from tests.support.pgbouncer import pooler

CLIENTS = 6
STEPS = 60  # of each client; a step is two writes and five reads
SESSIONS = 2

pytestmark = [pytest.mark.slow, pytest.mark.feature("OPS-07")]


@dataclass
class Storm:
    """What a storm saw.

    Attributes:
        statements: reads and writes that were answered.
        wrong: answers that were not the asking organization's.
        errors: statements that failed, by the kind of error.
        written: rows each organization was told it now has.
    """

    statements: int = 0
    wrong: list[str] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)
    written: Counter[str] = field(default_factory=Counter)


@pytest.mark.leak(14)
def test_two_organizations_share_the_sessions_of_a_pooler_and_see_only_their_own(
    committed: None, acme: Organization, globex: Organization
) -> None:
    with pooler(server_connections=SESSIONS) as url:
        storm = run_storm(transactional.DatabaseWrapper, url, [acme, globex])
    assert storm.wrong == []
    assert storm.errors == Counter()
    assert storm.statements > 2000
    for organization in (acme, globex):
        with in_organization(organization):
            names = list(Cohort.objects.values_list("name", flat=True))
        assert len(names) == storm.written[organization.slug] == CLIENTS * STEPS
        assert {name.partition(" ")[0] for name in names} == {organization.slug}


def test_the_backend_for_sessions_of_its_own_goes_wrong_behind_the_same_pooler(
    committed: None, acme: Organization, globex: Organization
) -> None:
    with pooler(server_connections=SESSIONS) as url:
        storm = run_storm(session.DatabaseWrapper, url, [acme, globex])
    assert storm.wrong, "nobody read another's rows, so the storm above proves nothing"
    assert len(storm.wrong) + storm.errors.total() > 50


def run_storm(kind: type[session.DatabaseWrapper], url: str, organizations: list[Organization]) -> Storm:
    """Let CLIENTS threads, each with a connection of its own to the pooler, hop between the organizations."""
    facts = {**connections["default"].settings_dict, **env.database(url)}
    storm, lock = Storm(), threading.Lock()
    begin = threading.Barrier(CLIENTS)

    def client(number: int) -> None:
        own = Storm()
        connections["default"] = kind(facts, alias="default")  # this thread's
        try:
            begin.wait(60)
            for step in range(STEPS):
                for turn in range(2):
                    visit(organizations[(number + turn) % 2], f"{number}-{step}", own)
        finally:
            connections["default"].close()
            with lock:
                storm.statements += own.statements
                storm.wrong += own.wrong
                storm.errors += own.errors
                storm.written += own.written

    run_together([partial(client, number) for number in range(CLIENTS)])
    return storm


def visit(organization: Organization, mark: str, storm: Storm) -> None:
    """Read and write in each way the product does; note every answer that is not this organization's."""
    try:
        with in_organization(organization):
            _read(organization, storm)
            _write(organization, mark, storm)
    except (DatabaseError, psycopg.Error) as error:
        storm.errors[type(error.__cause__ or error).__name__] += 1


def _read(organization: Organization, storm: Storm) -> None:
    mine = f"@{organization.slug}.example"
    _judge(storm, all(one.email.endswith(mine) for one in Member.objects.all()), "read")
    with prepared_cursor() as cursor:
        cursor.execute("SELECT email FROM people_member WHERE email LIKE %s", ["owner@%"])
        _judge(storm, [row[0] for row in cursor.fetchall()] == [f"owner{mine}"], "raw read")
    # Read to the end: a cursor that is left open would be closed where nobody catches what that raises.
    names = list(Cohort.objects.values_list("name", flat=True).iterator(chunk_size=7))
    _judge(storm, all(name.startswith(f"{organization.slug} ") for name in names), "iterated read")


def _write(organization: Organization, mark: str, storm: Storm) -> None:
    """One row, written outside or inside a transaction that survives an error and reads its own row."""
    if mark[-1] in "02468":
        made = Cohort.objects.create(name=f"{organization.slug} {mark}")
        storm.written[organization.slug] += 1
    else:
        with transaction.atomic():
            made = Cohort.objects.create(name=f"{organization.slug} {mark}")
            with suppress(IntegrityError), transaction.atomic():
                Cohort.objects.create(name=made.name)
            rows = [row.name for row in Cohort.objects.filter(pk=made.pk).iterator()]
            _judge(storm, rows == [made.name], "read of the row just written")
        storm.written[organization.slug] += 1
    storm.statements += 1
    _judge(storm, Cohort.objects.filter(pk=made.pk).exists(), "read after the write")
    with in_public():
        own = Organization.objects.filter(slug=organization.slug).values_list("schema_name", flat=True)
        _judge(storm, list(own) == [organization.schema_name], "shared read")


def _judge(storm: Storm, right: Any, what: str) -> None:
    storm.statements += 1
    if not right:
        storm.wrong.append(what)
