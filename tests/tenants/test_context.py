"""Entering tenants: explicit, eager, and failing closed."""

import contextvars
import threading
from dataclasses import replace

import pytest
from django.db import DatabaseError, ProgrammingError, connection

from shared_apps.accounts.models import User
from tenant_apps.people.models import Member
from tenants.context import NoOrganization, current_organization, in_organization, in_public
from tenants.models import Organization
from tenants.postgresql.base import ScopeMismatch
from tenants.postgresql.prepared import prepared_cursor
from tenants.scope import current_scope


def test_member_rows_are_the_tenants_own(acme: Organization, globex: Organization) -> None:
    with in_organization(acme):
        assert list(Member.objects.values_list("email", flat=True)) == ["owner@acme.example"]
    with in_organization(globex):
        assert list(Member.objects.values_list("email", flat=True)) == ["owner@globex.example"]


def test_path_and_role_change_together(acme: Organization) -> None:
    with in_organization(acme), connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('search_path'), current_user")
        path, role = cursor.fetchone()
    assert path == f"{acme.schema_name}, public"
    assert role == acme.schema_name


@pytest.mark.leak(1)
def test_raw_sql_into_another_tenant_is_refused_by_the_database(
    acme: Organization, globex: Organization
) -> None:
    with (
        in_organization(acme),
        pytest.raises(ProgrammingError, match="permission denied"),
        connection.cursor() as cursor,
    ):
        cursor.execute(f'SELECT * FROM "{globex.schema_name}".people_member')


@pytest.mark.leak(8)
def test_a_new_thread_stands_nowhere(committed: None, acme: Organization) -> None:
    seen: list[object] = []

    def ask() -> None:
        try:
            User.objects.count()
        except ProgrammingError as error:
            seen.append(str(error).splitlines()[0])
        finally:
            connection.close()

    with in_organization(acme):
        thread = threading.Thread(target=ask)
        thread.start()
        thread.join()
    assert seen == ['relation "accounts_user" does not exist']


def test_platform_scope_sees_no_tenant_table(shared: None) -> None:
    with in_public(), pytest.raises(ProgrammingError, match="people_member"):
        Member.objects.count()


def test_current_organization_outside_is_an_error(shared: None) -> None:
    with pytest.raises(NoOrganization):
        current_organization()


@pytest.mark.leak(5)
def test_an_organization_is_no_context_manager(acme: Organization) -> None:
    with pytest.raises(TypeError, match="in_organization"), acme:
        pass


@pytest.mark.leak(9)
def test_work_carried_to_another_scope_is_stopped(acme: Organization, globex: Organization) -> None:
    with in_organization(acme):
        elsewhere = contextvars.copy_context()
    with in_organization(globex), pytest.raises(ScopeMismatch):
        elsewhere.run(Member.objects.count)


def test_a_prepared_statement_follows_the_tenant(acme: Organization, globex: Organization) -> None:
    """The server plans it once for a connection; the plan of one tenant must never read another's table."""
    seen = []
    for organization in [acme, acme, acme, acme, globex, acme, globex, globex, globex, globex, acme]:
        with in_organization(organization), prepared_cursor() as cursor:
            cursor.execute("SELECT email FROM people_member ORDER BY email LIMIT %s", [1])
            seen.append(cursor.fetchone()[0] == f"owner@{organization.slug}.example")
    with in_organization(acme), connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%%people_member%%'", []
        )
        prepared = 1 if connection.keeps_session else 0  # type: ignore[attr-defined]  # our own backend
        assert cursor.fetchone() == (prepared,), "it was never prepared, so this proved nothing"
    assert all(seen)


@pytest.mark.leak(15)
def test_a_schema_that_is_gone_leaves_the_thread_where_it_stood(committed: None, acme: Organization) -> None:
    gone = replace(acme.ref(), schema_name="t_gone")
    before = current_scope.get()
    connection.ensure_connection()
    with pytest.raises(DatabaseError), in_organization(gone):
        Member.objects.count()  # behind a pooler the first statement says it, else the door
    assert current_scope.get() is before
    assert Organization.objects.filter(pk=acme.pk).exists()
