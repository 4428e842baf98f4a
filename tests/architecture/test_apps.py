"""Each app has one schema, each table one owner, each app one migration leaf."""

import re
from collections import Counter

import pytest
from django.apps import apps
from django.conf import settings
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from tenants.models import Organization


def test_every_app_is_in_exactly_one_list() -> None:
    counts = Counter([*settings.SHARED_APPS, *settings.TENANT_APPS])
    assert [name for name, count in counts.items() if count > 1] == []
    assert {config.name for config in apps.get_app_configs()} == set(counts)


def test_every_app_has_one_migration_leaf() -> None:
    loader = MigrationLoader(None, ignore_no_migrations=True)
    leaves = Counter(app for app, _ in loader.graph.leaf_nodes())
    assert [app for app, count in leaves.items() if count > 1] == []


@pytest.mark.feature("OPS-08")
def test_every_row_of_ours_carries_its_instants() -> None:
    ours = [
        model
        for model in apps.get_models()
        if re.match(r"tenants|shared_apps|billing|tenant_apps", model.__module__)
    ]
    # What is written once has no later instant; a holding has those of its statement.
    once: dict[str, set[str]] = {
        "audit.AuditEvent": {"created_at"},
        "billing.SeatEntry": {"at"},
        "billing.StatementHolding": set(),
    }
    wanted = {model: once.get(model._meta.label, {"created_at", "updated_at"}) for model in ours}
    missing = [
        model._meta.label
        for model, names in wanted.items()
        if not names <= {field.name for field in model._meta.fields}
    ]
    assert missing == []


def test_no_key_leaves_a_tenant_schema(acme: Organization) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT c.conname, n.nspname, fn.nspname
              FROM pg_constraint c
              JOIN pg_class t ON t.oid = c.conrelid JOIN pg_namespace n ON n.oid = t.relnamespace
              JOIN pg_class f ON f.oid = c.confrelid JOIN pg_namespace fn ON fn.oid = f.relnamespace
             WHERE c.contype = 'f'
            """
        )
        keys = cursor.fetchall()
    assert any(own == acme.schema_name for _, own, _ in keys)
    assert [key for key in keys if key[1] != key[2]] == []


def test_no_table_stands_in_public_and_in_a_tenant(acme: Organization) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
            " INTERSECT SELECT tablename FROM pg_tables WHERE schemaname = %s",
            [acme.schema_name],
        )
        assert cursor.fetchall() == [("django_migrations",)]


def test_guardian_has_no_generic_tables(acme: Organization) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT schemaname, tablename FROM pg_tables WHERE tablename LIKE 'guardian%%'", [])
        assert cursor.fetchall() == []
