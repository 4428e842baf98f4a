"""Tenant schemas: what is in them, how they are built, claimed and healed."""

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.db import connection, transaction

from shared_apps.core import clock
from shared_apps.core.ids import new_id
from tenants.context import in_public
from tenants.ddl import (
    ScriptChanged,
    checked_script,
    template_level,
    template_script,
    tenant_app_labels,
)
from tenants.enums import SchemaState
from tenants.models import Organization, TenantSchema
from tenants.names import schema_name_for
from tenants.services import schemas
from tenants.services.pool import ABANDONED_AFTER, RETRY_AFTER, refill_pool
from tenants.services.schemas import build_schema, do_claim_ready_schema
from tenants.services.template import SCRATCH_SCHEMA, dump_schema, migrate_by_django
from tests.support.processes import wait_for
from tests.support.server import server_environment


def rows_of(statement: str, *parameters: Any) -> list[tuple[object, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return list(cursor.fetchall())


@pytest.mark.slow
def test_a_replayed_schema_is_what_the_migrations_make(committed: None, acme: Organization) -> None:
    migrate_by_django(SCRATCH_SCHEMA)
    migrated, replayed = dump_schema(SCRATCH_SCHEMA), dump_schema(acme.schema_name)
    assert "CREATE TABLE" in migrated
    assert replayed == migrated
    applied = "SELECT app, name FROM {}.django_migrations WHERE app = ANY(%s) ORDER BY id"
    labels = sorted(tenant_app_labels())
    rows = rows_of(applied.format(acme.schema_name), labels)
    assert len(rows) == template_level()
    assert rows == rows_of(applied.format(SCRATCH_SCHEMA), labels)


@pytest.mark.slow
def test_the_committed_script_is_up_to_date(committed: None) -> None:
    call_command("dump_template", check=True, verbosity=0)


def test_a_script_edited_by_hand_is_refused() -> None:
    edited = template_script().replace("CREATE TABLE", "CREATE UNLOGGED TABLE", 1)
    with pytest.raises(ScriptChanged):
        checked_script(edited)


@pytest.mark.leak(16)
def test_no_key_leaves_a_schema(shared: None) -> None:
    crossing = """
        SELECT conrelid::regclass, confrelid::regclass FROM pg_constraint k
          JOIN pg_class a ON a.oid = k.conrelid JOIN pg_class b ON b.oid = k.confrelid
         WHERE k.contype = 'f' AND a.relnamespace <> b.relnamespace
    """
    assert rows_of(crossing) == []
    with connection.cursor() as cursor:  # the query sees such a key when there is one
        cursor.execute("CREATE SCHEMA probe; CREATE TABLE probe.leak (id uuid REFERENCES accounts_user (id))")
    assert len(rows_of(crossing)) == 1


@pytest.mark.leak(16)
def test_no_table_name_is_both_shared_and_a_tenants(acme: Organization) -> None:
    names = "SELECT tablename FROM pg_tables WHERE schemaname = %s"
    both = set(rows_of(names, "public")) & set(rows_of(names, acme.schema_name))
    assert both == {("django_migrations",)}


def test_parallel_claims_take_distinct_schemas(committed: None) -> None:
    def claim() -> object:
        try:
            with in_public(), transaction.atomic():
                claimed = do_claim_ready_schema()
                return claimed and claimed.id
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as threads:
        claims = [done.result() for done in [threads.submit(claim) for _ in range(8)]]
    taken = [identifier for identifier in claims if identifier is not None]
    assert len(taken) == len(set(taken)) == 6  # as many as the pool held; the rest got none
    assert TenantSchema.objects.filter(state=SchemaState.READY).count() == 0


def test_a_claim_that_rolls_back_gives_its_schema_back(committed: None) -> None:
    with transaction.atomic():
        claimed = do_claim_ready_schema()
        transaction.set_rollback(True)
    assert claimed is not None
    assert TenantSchema.objects.get(id=claimed.id).state == SchemaState.READY


KILLED_BUILD = """
import os, uuid, django
django.setup()
from tenants.context import in_public
from tenants.names import schema_name_for
from tenants.services import schemas
from tests.support.dying import die_in_the_middle_of_the_ddl
die_in_the_middle_of_the_ddl()
with in_public():
    schemas.build_schema(uuid.UUID(os.environ["BUILD"]))
"""


@pytest.mark.slow
def test_a_build_killed_in_the_middle_is_built_again(committed: None) -> None:
    identifier = new_id()
    done = subprocess.run(
        [sys.executable, "-c", KILLED_BUILD],
        cwd=settings.BASE_DIR,
        env={**os.environ, **server_environment(), "BUILD": str(identifier)},
        timeout=60,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL
    left = TenantSchema.objects.get(id=identifier)
    assert left.state == SchemaState.BUILDING

    def is_taken_up() -> bool:
        refill_pool(target=0)
        left.refresh_from_db()
        return left.state != SchemaState.BUILDING

    with clock.frozen_at(clock.now() + ABANDONED_AFTER + timedelta(seconds=1)):
        wait_for(is_taken_up)  # the server sees that its client is gone
    assert left.state == SchemaState.READY
    assert "CREATE TABLE" in dump_schema(left.schema_name)


def test_an_abandoned_schema_of_an_organization_never_comes_into_the_pool(committed: None) -> None:
    identifier = new_id()
    row = TenantSchema.objects.create(
        id=identifier,
        schema_name=schema_name_for(identifier.hex),
        updated_at=clock.now() - timedelta(hours=1),
    )
    Organization(id=identifier, schema_name=row.schema_name, name="W", slug="waiting").save(force_insert=True)
    refill_pool(target=0)
    row.refresh_from_db()
    assert row.state == SchemaState.CLAIMED


@pytest.mark.leak(26)
def test_a_dropped_schema_is_never_made_again(committed: None) -> None:
    built = build_schema()
    with transaction.atomic():
        schemas.do_drop_schema(schemas.do_lock_schema(built.id))
    assert build_schema(built.id).state == SchemaState.DROPPED
    assert rows_of("SELECT 1 FROM pg_namespace WHERE nspname = %s", built.schema_name) == []
    assert rows_of("SELECT 1 FROM pg_roles WHERE rolname = %s", built.schema_name) == []


def test_a_build_that_fails_says_why_and_is_tried_again(
    committed: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    identifier = new_id()
    with monkeypatch.context() as broken:
        broken.setattr(schemas, "template_script", lambda: "CREATE NONSENSE;")
        with pytest.raises(Exception, match="NONSENSE"):
            build_schema(identifier)
    row = TenantSchema.objects.get(id=identifier)
    assert row.state == SchemaState.FAILED
    assert "NONSENSE" in row.error
    refill_pool(target=0)
    row.refresh_from_db()
    assert row.state == SchemaState.FAILED  # not at each round
    with clock.frozen_at(clock.now() + RETRY_AFTER + timedelta(seconds=1)):
        refill_pool(target=0)
    row.refresh_from_db()
    assert (row.state, row.error) == (SchemaState.READY, "")


DEADLOCK = "DO $$ BEGIN RAISE EXCEPTION 'met a neighbour' USING ERRCODE = %s; END $$;"


@pytest.mark.parametrize("code", ["'deadlock_detected'", "'out_of_memory'", "'lock_not_available'"])
def test_a_build_that_lost_against_a_neighbour_is_tried_again_at_once(
    committed: None, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    whole = template_script()
    scripts = iter([DEADLOCK % code, DEADLOCK % code, whole])
    monkeypatch.setattr(schemas, "template_script", lambda: next(scripts))
    built = build_schema()
    assert (built.state, built.error, list(scripts)) == (SchemaState.READY, "", [])


def test_a_build_is_given_up_after_four_attempts(committed: None, monkeypatch: pytest.MonkeyPatch) -> None:
    identifier = new_id()
    scripts = iter([DEADLOCK % "'deadlock_detected'"] * 4)
    monkeypatch.setattr(schemas, "template_script", lambda: next(scripts))
    with pytest.raises(Exception, match="met a neighbour"):
        build_schema(identifier)
    assert list(scripts) == []
    assert TenantSchema.objects.get(id=identifier).state == SchemaState.FAILED


MEETING = 7_301


def test_builds_at_once_do_not_wait_for_each_other(committed: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Membership in the tenants' group locks the group's role until the commit, so it comes last."""
    # given a build that stands in the middle of its DDL
    whole = template_script()
    scripts = iter([f"{whole}SELECT pg_advisory_xact_lock({MEETING});", whole])
    monkeypatch.setattr(schemas, "template_script", lambda: next(scripts))

    def build() -> str:
        try:
            with in_public():
                return build_schema().state
        finally:
            connection.close()

    rows_of("SELECT pg_advisory_lock(%s)", MEETING)
    with ThreadPoolExecutor(1) as threads:
        standing = threads.submit(build)
        waiting = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        wait_for(lambda: bool(rows_of(waiting)))

        # when another is made, then it is there before the first goes on
        try:
            rows_of("SELECT set_config('lock_timeout', '10s', false)")
            assert build_schema().state == SchemaState.READY
            assert not standing.done()
        finally:
            rows_of("SELECT pg_advisory_unlock(%s)", MEETING)
        assert standing.result(timeout=60) == SchemaState.READY


@pytest.mark.feature("OPS-08")
def test_every_table_of_ours_tells_when_its_rows_were_made_and_changed(acme: Organization) -> None:
    ours = """
        SELECT table_name, array_agg(column_name::text) FROM information_schema.columns
         WHERE table_schema IN ('public', %s) AND split_part(table_name, '_', 1) = ANY(%s)
         GROUP BY table_name
    """
    labels = [app.label for app in apps.get_app_configs() if not app.name.startswith(LIBRARIES)]
    lacking = {
        (str(table), column)
        for table, columns in rows_of(ours, acme.schema_name, labels)
        for column in ("created_at", "updated_at")
        if column not in columns  # type: ignore[operator]
    }
    # Append-only: their rows are never changed. Tables Django makes for itself: many-to-many.
    assert lacking - APPEND_ONLY - DJANGOS_OWN == set()


LIBRARIES = ("django", "allauth", "unfold", "guardian", "rest_framework", "drf_")
APPEND_ONLY = {
    ("audit_auditevent", "updated_at"),
    # Told by `at`, and by the statement the row is a part of.
    ("billing_seatentry", "created_at"),
    ("billing_seatentry", "updated_at"),
    ("billing_statementholding", "created_at"),
    ("billing_statementholding", "updated_at"),
}
DJANGOS_OWN = {
    (table, column)
    for table in ("accounts_user_groups", "accounts_user_user_permissions")
    for column in ("created_at", "updated_at")
}
