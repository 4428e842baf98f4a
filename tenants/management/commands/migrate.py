"""`manage.py migrate`: the shared schema only, then the rights of the tenants' group role on it."""

from typing import Any

from django.conf import settings
from django.core.management.commands.migrate import Command as DjangoMigrate
from django.db import connection
from psycopg import sql

from tenants.context import in_public

# Tables a tenant's role may read but not write: the registry and what Django and billing keep for all.
READ_ONLY_TABLES = (
    "tenants_organization",
    "tenants_domain",
    "billing_plan",
    "django_content_type",
    "auth_permission",
    "django_migrations",
)
# Tables a tenant's role may add to, and never change.
APPEND_ONLY_TABLES = ("audit_auditevent",)
# Tables a tenant's role has no business with at all.
HIDDEN_TABLES = ("tenants_tenantschema", "tenants_releasedname", "django_admin_log", "auth_group")


class Command(DjangoMigrate):
    """Migrate the shared schema. Tenants follow with `migrate_tenants`."""

    help = "Migrates the shared schema; tenants' schemas follow with `manage.py migrate_tenants`."

    def handle(self, *args: Any, **options: Any) -> None:
        """Migrate `public`, then grant."""
        with in_public():
            options["run_syncdb"] = False
            super().handle(*args, **options)
            grant_shared_tables()


def grant_shared_tables() -> None:
    """Give the group role of the tenants what it needs on the shared tables. Safe to repeat."""
    group = sql.Identifier(settings.TENANT_GROUP_ROLE)
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [settings.TENANT_GROUP_ROLE])
        if cursor.fetchone() is None:
            # Two databases of one cluster may be set up at once: the second finds the role made.
            cursor.execute(
                sql.SQL(
                    "DO $$ BEGIN CREATE ROLE {} NOLOGIN;"
                    " EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"
                ).format(group)
            )
        cursor.execute(sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(group))
        cursor.execute(
            sql.SQL("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {}").format(group)
        )
        cursor.execute(sql.SQL("GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {}").format(group))
        for rights, tables in (
            ("INSERT, UPDATE, DELETE", READ_ONLY_TABLES),
            ("UPDATE, DELETE", APPEND_ONLY_TABLES),
            ("ALL", HIDDEN_TABLES),
        ):
            for table in tables:
                cursor.execute(
                    sql.SQL("REVOKE {rights} ON {table} FROM {group}").format(
                        rights=sql.SQL(rights), table=sql.Identifier(table), group=group
                    )
                )
