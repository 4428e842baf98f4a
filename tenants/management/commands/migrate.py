"""`manage.py migrate`: the shared schema only, then the rights of the tenants' group role on it."""

from typing import Any

from django.conf import settings
from django.core.management.commands.migrate import Command as DjangoMigrate
from django.db import connection, transaction
from psycopg import sql

from tenants.context import in_public

# What a tenant's role may do to the shared tables besides reading them: what the code that serves an
# organization's host does, and no more. A table that is not named here can be read and nothing else.
WRITES: dict[str, str] = {
    # Columns are named where others must not move from a tenant: who is an operator, whose row it is, what
    # was bought. The counter of seats is moved by a trigger in the role of whoever takes the seat.
    "accounts_user": (
        "INSERT, UPDATE (password, last_login, name, timezone, language, sign_in_epoch, updated_at)"
    ),
    "accounts_membership": "INSERT, UPDATE (role, status, joined_at, removed_at, updated_at)",
    "accounts_invitation": "INSERT, UPDATE",
    "accounts_signin": "INSERT, UPDATE",
    "accounts_refreshtoken": "INSERT, UPDATE",
    "accounts_personalaccesstoken": "INSERT, UPDATE",
    "account_emailaddress": "INSERT, UPDATE, DELETE",
    "account_emailconfirmation": "DELETE",
    "django_session": "INSERT, UPDATE, DELETE",
    "billing_subscription": "UPDATE (used)",
    "billing_seatassignment": "INSERT, UPDATE",
    "jobs_job": "INSERT, UPDATE",
    "idempotency_rememberedanswer": "INSERT, UPDATE, DELETE",
    "audit_auditevent": "INSERT",
    "outbox_outboxmessage": "INSERT",
}
# Tables a tenant's role cannot read: what is the platform's alone, and mails on their way, whose payloads
# hold links that open accounts.
HIDDEN_TABLES = (
    "tenants_tenantschema",
    "tenants_releasedname",
    "django_admin_log",
    "auth_group",
    "auth_group_permissions",
    "accounts_user_groups",
    "accounts_user_user_permissions",
    "outbox_outboxmessage",
)


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
        # From nothing, so that a right taken off the list is gone after the next migration. One transaction:
        # requests under way never see the moment without rights.
        with transaction.atomic():
            _run(cursor, group, "REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {group}")
            _run(cursor, group, "GRANT SELECT ON ALL TABLES IN SCHEMA public TO {group}")
            _run(cursor, group, "GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {group}")
            for table in HIDDEN_TABLES:
                _run(cursor, group, "REVOKE ALL ON {table} FROM {group}", table)
            for table, rights in WRITES.items():
                _run(cursor, group, f"GRANT {rights} ON {{table}} TO {{group}}", table)


def _run(cursor: Any, group: sql.Identifier, statement: str, table: str = "") -> None:
    cursor.execute(sql.SQL(statement).format(group=group, table=sql.Identifier(table or "-")))
