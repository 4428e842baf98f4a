"""Every shared table is portable or stays for a reason; nothing is forgotten when a table is added."""

from django.db import connection

from shared_apps.archives.selectors.snapshot import tenant_table_names
from shared_apps.core.portable import excluded_tables, portable_tables
from tests.support.world import tenant_models


def test_every_shared_table_is_portable_or_excluded_with_a_reason(shared: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        tables = {row[0] for row in cursor.fetchall()}
    declared = {table.table for table in portable_tables()} | set(excluded_tables())
    assert tables - declared == set(), "declare them in their app's portable.py"
    assert declared - tables == set()


def test_every_tenant_table_travels(shared: None) -> None:
    assert set(tenant_table_names()) == {model._meta.db_table for model in tenant_models()}


def test_no_column_that_looks_secret_travels(shared: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'"
            " AND column_name ~ 'password|secret|token|hash|session|otp'"
        )
        found = cursor.fetchall()
    left_out = {table.table: table.left_out for table in portable_tables()}
    assert [(table, name) for table, name in found if name not in left_out.get(table, {name})] == []
