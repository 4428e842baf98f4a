"""Every way a statement goes out where nothing may be left to the session, on PostgreSQL itself.

What the session would keep is read past the backend's cursors, with libpq's own call.
"""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import (
    DatabaseError,
    IntegrityError,
    NotSupportedError,
    ProgrammingError,
    connections,
    transaction,
)

from shared_apps.core.copying import do_copy_rows
from tenant_apps.cohorts.models import Cohort
from tenant_apps.people.models import Member
from tenants.context import in_organization, in_public
from tenants.models import Organization
from tenants.postgresql.transactional.base import DatabaseWrapper
from tenants.postgresql.transactional.connection import opening_for
from tenants.scope import NOWHERE, PUBLIC, OrganizationRef, organization_scope

pytestmark = pytest.mark.feature("OPS-07")


@pytest.fixture
def transactional(shared: None, acme: Organization) -> Iterator[DatabaseWrapper]:
    """This thread's connection, for the length of a test, leaves nothing to its session. It commits."""
    usual = connections["default"]
    made = DatabaseWrapper({**usual.settings_dict}, alias="default")
    connections["default"] = made
    try:
        yield made
    finally:
        made.close()
        with in_organization(acme):
            Cohort.objects.all().delete()
            Member.objects.update(first_name="Olivia")
        made.close()
        connections["default"] = usual


def kept(wrapper: DatabaseWrapper) -> tuple[str, str]:
    """Return path and role of the session, by a call that adds nothing."""
    answer = wrapper.connection.pgconn.exec_(b"SELECT current_setting('search_path'), current_user")
    return answer.get_value(0, 0).decode(), answer.get_value(0, 1).decode()


def standing(wrapper: DatabaseWrapper) -> tuple[str, str]:
    """Return path and role a statement of the product runs with."""
    with wrapper.cursor() as cursor:
        cursor.execute("SELECT current_setting('search_path'), current_user")
        found: tuple[str, str] = cursor.fetchone()
        return found


def inside(organization: Organization) -> tuple[str, str]:
    return f"{organization.schema_name}, public", organization.schema_name


def test_a_statement_of_its_own_stands_in_the_organization_and_leaves_nothing(
    transactional: DatabaseWrapper, acme: Organization
) -> None:
    transactional.ensure_connection()
    before = kept(transactional)
    with in_organization(acme):
        assert standing(transactional) == inside(acme)
        assert kept(transactional) == before
        assert [member.email for member in Member.objects.all()] == ["owner@acme.example"]
    assert kept(transactional) == before


def test_outside_every_scope_a_table_is_not_found_whatever_the_session_says(
    transactional: DatabaseWrapper, acme: Organization
) -> None:
    transactional.ensure_connection()
    transactional.connection.pgconn.exec_(organization_scope(acme.ref()).switch_sql)
    with in_public():
        assert standing(transactional) == ("public", transactional.settings_dict["USER"])
    transactional.set_scope(NOWHERE)
    raw = transactional.connection.execute("SELECT current_setting('search_path')")
    assert raw.fetchone() == ('""',)


def test_an_error_says_where_it_was_and_nothing_of_its_message_stays(
    transactional: DatabaseWrapper, acme: Organization
) -> None:
    with in_organization(acme):
        Cohort.objects.create(name="one")
        with pytest.raises(IntegrityError, match="one_cohort_per_name"):
            Cohort.objects.create(name="one")
        with (
            pytest.raises(ProgrammingError, match="LINE 2: SELECT nonsense"),
            transactional.cursor() as cursor,
        ):
            cursor.execute("SELECT nonsense")
        assert list(Cohort.objects.values_list("name", flat=True)) == ["one"]


def test_a_transaction_keeps_the_scope_through_savepoints_and_their_rollback(
    transactional: DatabaseWrapper, acme: Organization
) -> None:
    with in_organization(acme), transaction.atomic():
        with transaction.atomic():
            Cohort.objects.create(name="kept")
        with pytest.raises(IntegrityError), transaction.atomic():
            Cohort.objects.create(name="kept")
        assert standing(transactional) == inside(acme)
        Cohort.objects.create(name="too")
    with in_organization(acme):
        assert list(Cohort.objects.values_list("name", flat=True)) == ["kept", "too"]


def test_after_a_rollback_the_next_transaction_stands_in_the_scope_again(
    transactional: DatabaseWrapper, acme: Organization
) -> None:
    with in_organization(acme):
        with pytest.raises(IntegrityError), transaction.atomic():
            Cohort.objects.bulk_create([Cohort(name="undone"), Cohort(name="undone")])
        with transaction.atomic():
            assert standing(transactional) == inside(acme)
            assert not Cohort.objects.exists()


def test_a_switch_inside_an_open_transaction_holds_at_once_and_is_undone_with_a_savepoint(
    transactional: DatabaseWrapper, acme: Organization, globex: Organization
) -> None:
    """Only tests switch there; the switch must be true all the same."""
    with in_organization(acme), transaction.atomic():
        assert standing(transactional) == inside(acme)
        with pytest.raises(ProgrammingError, match=acme.schema_name), transaction.atomic():
            _read_from(acme, standing_in=globex)
        assert standing(transactional) == inside(acme)


def _read_from(other: Organization, *, standing_in: Organization) -> None:
    with in_organization(standing_in), connections["default"].cursor() as cursor:
        cursor.execute("SELECT current_user")
        assert cursor.fetchone() == (standing_in.schema_name,)
        cursor.execute(f'SELECT * FROM "{other.schema_name}".people_member')


def test_rows_read_piece_by_piece_use_a_cursor_of_the_server_inside_a_transaction_only(
    transactional: DatabaseWrapper, acme: Organization
) -> None:
    with in_organization(acme):
        Cohort.objects.bulk_create(Cohort(name=f"c{number:03}") for number in range(20))
        outside = Cohort.objects.values_list("name", flat=True).iterator(chunk_size=3)
        assert next(outside) == "c000"
        assert _open_cursors(transactional) == 0
        assert len(list(outside)) == 19
        with transaction.atomic():
            rows = Cohort.objects.values_list("name", flat=True).iterator(chunk_size=3)
            assert next(rows) == "c000"
            assert _open_cursors(transactional) == 1
            assert len(list(rows)) == 19


def _open_cursors(wrapper: DatabaseWrapper) -> int:
    with wrapper.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_cursors")
        return int(cursor.fetchone()[0])


def test_copy_stands_in_the_transactions_scope_and_is_refused_outside_one(
    transactional: DatabaseWrapper, acme: Organization
) -> None:
    with in_organization(acme):
        with (
            pytest.raises(psycopg.NotSupportedError, match="COPY"),
            transactional.cursor() as cursor,
            cursor.copy("COPY people_member TO STDOUT") as copy,
        ):
            next(iter(copy))
        with transaction.atomic():
            with transactional.cursor() as cursor, cursor.copy("COPY people_member TO STDOUT") as copy:
                assert b"owner@acme.example" in b"".join(bytes(piece) for piece in copy)
            member = Member.objects.get()
            names = [field.name for field in Cohort._meta.concrete_fields]
            row = {"id": member.pk, "name": "copied", "leave_rule": "keep"}
            times = dict.fromkeys(("created_at", "updated_at"), member.created_at)
            do_copy_rows(Cohort, names, [[{**times, **row}.get(name) for name in names]])
        assert Cohort.objects.get().name == "copied"


def test_many_sets_of_parameters_are_all_written_or_none(
    transactional: DatabaseWrapper, acme: Organization
) -> None:
    rename = "UPDATE people_member SET first_name = %s WHERE email = %s"
    with in_organization(acme), transactional.cursor() as cursor:
        cursor.executemany(rename, [("A", "owner@acme.example"), ("B", "owner@acme.example")])
        assert cursor.rowcount == 2
        with pytest.raises(DatabaseError):
            cursor.executemany(rename, [("C", "owner@acme.example"), ("x" * 5000, "owner@acme.example")])
        cursor.execute("SELECT first_name FROM people_member")
        assert cursor.fetchall() == [("B",)]


def test_several_statements_and_their_results_in_one_text(
    transactional: DatabaseWrapper, acme: Organization
) -> None:
    with in_organization(acme), transactional.cursor() as cursor:
        cursor.execute("SELECT 1; SELECT current_user")
        assert cursor.fetchall() == [(1,)]
        assert cursor.nextset() is True
        assert cursor.fetchall() == [(acme.schema_name,)]
        cursor.execute("-- nothing but a remark")
        cursor.execute("BEGIN")
        cursor.execute("SELECT current_user")
        assert cursor.fetchall() == [(acme.schema_name,)]
        cursor.execute("ROLLBACK")


def test_the_driver_offers_no_way_past_the_scope(transactional: DatabaseWrapper, acme: Organization) -> None:
    with in_organization(acme):
        transactional.ensure_connection()
        raw = transactional.connection
        assert raw.execute("SELECT current_user").fetchone() == (acme.schema_name,)
        with pytest.raises(psycopg.NotSupportedError):
            raw.transaction()
        with pytest.raises(psycopg.NotSupportedError):
            raw.pipeline()
        with pytest.raises(psycopg.NotSupportedError), raw.cursor() as cursor:
            next(cursor.stream("SELECT 1"))


@pytest.mark.parametrize(
    ("statement", "is_refused"),
    [
        ("SET work_mem TO '8MB'", True),
        ("  set search_path to public", True),
        ("RESET ROLE", True),
        ("LISTEN news", True),
        ("CREATE TEMPORARY TABLE mine (id int)", True),
        ("SELECT pg_advisory_lock(1)", True),
        ("SELECT pg_try_advisory_lock(1)", True),
        ("SELECT set_config('lock_timeout', '5s', false)", True),
        ("SELECT set_config('lock_timeout', '5s', true)", False),
        ("SELECT pg_advisory_xact_lock(1)", False),
        ("SET LOCAL lock_timeout TO '5s'", False),
        ("SET CONSTRAINTS ALL IMMEDIATE", False),
    ],
)
def test_what_only_a_session_could_keep_is_refused(
    transactional: DatabaseWrapper, acme: Organization, statement: str, is_refused: bool
) -> None:
    with in_organization(acme), transaction.atomic(), transactional.cursor() as cursor:
        if is_refused:
            with pytest.raises(NotSupportedError, match="DATABASE_DIRECT_URL"):
                cursor.execute(statement)
        else:
            cursor.execute(statement)
        assert standing(transactional) == inside(acme)


def test_a_statement_is_one_message_with_its_scope(
    transactional: DatabaseWrapper, acme: Organization, tmp_path: Any
) -> None:
    def messages(work: Callable[[], Any]) -> int:
        trace = tmp_path / "trace"
        with trace.open("w+b") as output:
            transactional.connection.pgconn.trace(output.fileno())
            work()
            transactional.connection.pgconn.untrace()
        return sum("\tF\t" in line for line in trace.read_text().splitlines())

    def write() -> None:
        with transaction.atomic():
            Cohort.objects.create(name="one")

    with in_organization(acme):
        transactional.ensure_connection()
        assert messages(lambda: list(Member.objects.all())) == 1
        assert messages(write) == 2  # BEGIN, scope and INSERT together; COMMIT
    assert messages(lambda: None) == 0


def test_a_server_that_hung_up_is_noticed_before_the_next_statement(
    transactional: DatabaseWrapper, acme: Organization
) -> None:
    facts = {**transactional.settings_dict}
    facts["OPTIONS"] = {**facts["OPTIONS"], "pool": {"min_size": 1, "max_size": 1, "timeout": 30}}
    pooled = DatabaseWrapper(facts, alias="default")
    try:
        with in_organization(acme):
            pooled.set_scope(transactional.scope)
            pooled.ensure_connection()
            process = pooled.connection.info.backend_pid
            pooled.close()
            with transactional.cursor() as cursor:
                cursor.execute("SELECT current_user")
            with in_public():
                transactional.connection.pgconn.exec_(
                    f"SELECT pg_terminate_backend({process}, 60000)".encode()
                )
            assert standing(pooled) == inside(acme)
            assert pooled.connection.info.backend_pid != process
    finally:
        pooled.close()
        pooled.close_pool()


def test_a_thread_that_entered_nothing_finds_no_table(
    transactional: DatabaseWrapper, acme: Organization
) -> None:
    seen: list[str] = []

    def ask() -> None:
        own = DatabaseWrapper({**transactional.settings_dict}, alias="default")
        try:
            with own.cursor() as cursor:
                cursor.execute("SELECT count(*) FROM accounts_user")
        except ProgrammingError as error:
            seen.append(str(error).splitlines()[0])
        finally:
            own.close()

    with in_organization(acme):
        thread = threading.Thread(target=ask)
        thread.start()
        thread.join()
    assert seen == ['relation "accounts_user" does not exist']


def test_a_switch_becomes_words_that_end_with_the_transaction(acme: Organization) -> None:
    assert opening_for(PUBLIC.switch_sql).text == (b"SET LOCAL search_path TO public; SET LOCAL ROLE NONE;\n")
    assert opening_for(PUBLIC.switch_sql, "UTC").statements == 3
    assert b"SET LOCAL ROLE" in opening_for(organization_scope(_ref(acme)).switch_sql).text
    with pytest.raises(ValueError, match="outlive"):
        opening_for(b"SET search_path TO public; SELECT set_config('a.b', 'c', false)")


def _ref(organization: Organization) -> OrganizationRef:
    return organization.ref()


@pytest.mark.parametrize("option", ["server_side_binding", "options", "prepare_threshold", "isolation_level"])
def test_options_that_need_a_session_are_refused(transactional: DatabaseWrapper, option: str) -> None:
    facts = {**transactional.settings_dict, "OPTIONS": {option: "1"}}
    with pytest.raises(ImproperlyConfigured, match=option):
        DatabaseWrapper(facts, alias="default").get_connection_params()
