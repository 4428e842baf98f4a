"""Bring the database to what the register says: policies on the rows of shared tables, rights of the tenants'
group role. Measured and argued in docs/decisions/0005."""

import hashlib
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from psycopg import sql

from tenants.postgresql.register import DOORS, REGISTER, Shared

POLICY = "tenant"
# How long a change of a policy waits for the statements that use the table. Requests queue up behind it.
_LOCK_TIMEOUT = "5s"

# The tenant is told by the role, which belongs to the session and is set with the search path. Not
# current_user: inside a function with the platform's rights that is the platform. The platform's own role has
# no tenant. plpgsql keeps the plan for the connection, which makes a call a look-up by index.
_CURRENT_TENANT = """
CREATE OR REPLACE FUNCTION public.current_tenant() RETURNS uuid
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT o.id FROM public.tenants_organization o
             WHERE o.schema_name = current_setting('role'));
END
$$
"""


def apply_register() -> list[str]:
    """Make functions, policies and rights what the register says. Safe to repeat; an unchanged table is not
    locked. Stands in the shared schema, outside any transaction.

    Returns:
        the shared tables that are not in the register, which no tenant reaches.

    Raises:
        OperationalError: a table was in use for longer than the lock may be waited for; run it again.
    """
    with connection.cursor() as cursor:
        _make_group(cursor)
        _close_temporary(cursor)
        cursor.execute(_CURRENT_TENANT)
        present = shared_tables()
        known = _fingerprints(cursor)
        for table, shared in REGISTER.items():
            if table in present and known[table] != _fingerprint(shared):
                _protect(cursor, table, shared)
        _grant(cursor, present)
    return sorted(present - REGISTER.keys())


def shared_tables() -> set[str]:
    """Return the tables, views and whatever else holds rows in the shared schema."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class"
            " WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'f')"
        )
        return {name for (name,) in cursor.fetchall()}


def _make_group(cursor: Any) -> None:
    cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [settings.TENANT_GROUP_ROLE])
    if cursor.fetchone() is None:
        # Two databases of one cluster may be set up at once: the second finds the role made.
        _run(
            cursor,
            "DO $$ BEGIN CREATE ROLE {group} NOLOGIN;"
            " EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$",
        )


def _close_temporary(cursor: Any) -> None:
    """Leave temporary tables to the database's owner. One stands before every other table on any search path
    and outlives the role that made it: a tenant could plant one for whoever gets the connection next."""
    cursor.execute("SELECT has_database_privilege('public', current_database(), 'TEMPORARY')")
    if cursor.fetchone() == (True,):
        name = sql.Identifier(connection.settings_dict["NAME"])
        cursor.execute(sql.SQL("REVOKE TEMPORARY ON DATABASE {} FROM PUBLIC").format(name))


def _protect(cursor: Any, table: str, shared: Shared) -> None:
    """Switch the table's protection on or off, with the one policy it has."""
    with transaction.atomic():
        cursor.execute(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT}'")
        _run(cursor, f"DROP POLICY IF EXISTS {POLICY} ON public.{{table}}", table)
        if not shared.is_protected:
            _run(cursor, "ALTER TABLE public.{table} DISABLE ROW LEVEL SECURITY", table)
            return
        # Without FORCE: the login role, which owns the tables, is the platform and stays exempt.
        _run(cursor, "ALTER TABLE public.{table} ENABLE ROW LEVEL SECURITY", table)
        # Also for a hidden table, whose rows stay out of reach should somebody grant it by hand.
        rows = shared.rows or "false"
        _run(
            cursor,
            f"CREATE POLICY {POLICY} ON public.{{table}} TO {{group}} USING ({rows})"
            f" WITH CHECK (({rows}) AND ({shared.written or 'true'}))",
            table,
        )
        cursor.execute(
            sql.SQL("COMMENT ON POLICY {} ON public.{} IS {}").format(
                sql.Identifier(POLICY), sql.Identifier(table), sql.Literal(_fingerprint(shared))
            )
        )


def _grant(cursor: Any, present: set[str]) -> None:
    """From nothing, so that a right taken off the register is gone after the next migration. One transaction:
    requests under way never see the moment without rights."""
    with transaction.atomic():
        _run(cursor, "GRANT USAGE ON SCHEMA public TO {group}")
        _run(cursor, "REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {group}")
        # Keys are made in Python or by identity columns, which ask for no right on their sequence.
        _run(cursor, "REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM {group}")
        for table, shared in REGISTER.items():
            if table in present and shared.grants:
                _run(cursor, f"GRANT {shared.grants} ON public.{{table}} TO {{group}}", table)
        for door in DOORS:
            _run(cursor, f"REVOKE ALL ON FUNCTION public.{door} FROM PUBLIC")
            _run(cursor, f"GRANT EXECUTE ON FUNCTION public.{door} TO {{group}}")


def _fingerprint(shared: Shared) -> str:
    """Return what the comment of a policy made from this says; "" for a table without."""
    if not shared.is_protected:
        return ""
    return hashlib.sha256(f"{settings.TENANT_GROUP_ROLE}:{shared.rows}:{shared.written}".encode()).hexdigest()


def _fingerprints(cursor: Any) -> dict[str, str]:
    """Return for each shared table the fingerprint of its policy; "" where it is not protected."""
    cursor.execute(
        """
        SELECT c.relname, CASE WHEN c.relrowsecurity
                               THEN coalesce(obj_description(p.oid, 'pg_policy'), 'none') ELSE '' END
          FROM pg_class c LEFT JOIN pg_policy p ON p.polrelid = c.oid AND p.polname = %s
         WHERE c.relnamespace = 'public'::regnamespace
        """,
        [POLICY],
    )
    return dict(cursor.fetchall())


def _run(cursor: Any, statement: str, table: str = "") -> None:
    names = {"group": sql.Identifier(settings.TENANT_GROUP_ROLE), "table": sql.Identifier(table or "-")}
    cursor.execute(sql.SQL(statement).format(**names))
