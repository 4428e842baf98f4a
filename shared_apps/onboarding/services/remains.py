"""What there is of an organization anywhere: counted before its deletion, and looked for again after it."""

import uuid
from dataclasses import dataclass
from typing import Any

from django.db import connection
from psycopg import sql

from shared_apps.core.fair_queue import fair_queue
from tenants.cache import cached_keys
from tenants.names import schema_name_for
from tenants.storage import measure_files


@dataclass(frozen=True, slots=True)
class PublicRows:
    """Rows of one shared table that belong to an organization.

    Attributes:
        where: condition with one place for the organization's id.
        kept: why they outlive the organization; empty: they are deleted with it.
    """

    table: str
    where: str = "organization_id = %s"
    kept: str = ""


_SIGN_INS = "(SELECT {} FROM accounts_signin WHERE organization_id = %s)"
_STATEMENTS = "(SELECT id FROM billing_seatstatement WHERE organization_id = %s)"
# In the order of their deletion: what points at another row goes before it. A test compares this list with
# the columns of the database, so that no table arrives without somebody deciding.
PUBLIC_ROWS = (
    PublicRows("django_session", f"session_key IN {_SIGN_INS.format('session_key')}"),
    PublicRows("accounts_refreshtoken", f"sign_in_id IN {_SIGN_INS.format('id')}"),
    PublicRows("accounts_personalaccesstoken"),
    PublicRows("accounts_signin"),
    PublicRows("accounts_invitation"),
    PublicRows("outbox_outboxmessage"),
    PublicRows("jobs_job"),
    PublicRows("idempotency_rememberedanswer"),
    PublicRows("usage_dailyusage"),
    PublicRows("onboarding_signup"),
    PublicRows("billing_statementholding", f"statement_id IN {_STATEMENTS}"),
    PublicRows("billing_seatstatement"),
    PublicRows("tenants_domain", "tenant_id = %s"),
    PublicRows("tenants_domainclaim"),
    PublicRows("tenants_organization", "id = %s", "the record that the id is used up, without addresses"),
    PublicRows("tenants_tenantschema", "id = %s", "the record that the schema's name is used up"),
    PublicRows("tenants_releasedname", kept="the names rest, so that old links meet no stranger"),
    PublicRows("accounts_membership", kept="ended; holders of the seats that were billed, by id alone"),
    PublicRows("billing_subscription", kept="canceled; what was bought, for the books"),
    PublicRows("billing_seatassignment", kept="ended; what was billed, by id alone"),
    PublicRows("billing_seatentry", kept="the ledger of what was billed, by id alone"),
    PublicRows("billing_billingaccount", kept="which customer of the payment gateway it was, for the books"),
    PublicRows("billing_checkout", kept="what was asked of the payment gateway, for the books"),
    PublicRows("billing_subscriptionchange", kept="what was asked of the payment gateway, for the books"),
    PublicRows("billing_subscriptioninvoice", kept="what was invoiced, for the books"),
    PublicRows("billing_refund", kept="what was paid back, for the books"),
    PublicRows("billing_seatact", kept="who was given seats, by id alone"),
    PublicRows("billing_dunningnotice", kept="which reminders went out, for the books"),
    PublicRows("billing_drift", kept="what was found to differ at the payment gateway, for the books"),
    PublicRows("audit_auditevent", kept="the log of who did what cannot be changed"),
    PublicRows("archives_archive", kept="where the customer's last archive lies, and until when"),
    PublicRows("onboarding_offboarding", kept="this deletion itself"),
    PublicRows("onboarding_deletionreceipt", kept="this receipt"),
    PublicRows("onboarding_supportentry", kept="the log of operators' entries"),
)


def count_remains(organization_id: uuid.UUID) -> dict[str, Any]:
    """Return how much there is of an organization, JSON-ready.

    Raises:
        redis.RedisError, OSError: the cache, the queue or the files cannot be looked at.
    """
    name = schema_name_for(organization_id.hex)
    files, size = measure_files(organization_id)
    with connection.cursor() as cursor:
        tables = _rows_by_table(cursor, name)
        return {
            "schemas": _number(cursor, "SELECT count(*) FROM pg_namespace WHERE nspname = %s", name),
            "roles": _number(cursor, "SELECT count(*) FROM pg_roles WHERE rolname = %s", name),
            "tables": tables,
            "rows": sum(tables.values()),
            "files": files,
            "file_bytes": size,
            "cache_keys": len(cached_keys(organization_id)),
            "waiting_tasks": fair_queue().count_left(organization_id),
            "public": {each.table: _public_rows(cursor, each, organization_id) for each in PUBLIC_ROWS},
        }


def delete_public_rows(organization_id: uuid.UUID, *, tables: frozenset[str]) -> dict[str, int]:
    """Delete the organization's rows of the named shared tables; return how many of each. Needs an open
    transaction; rows that are kept are never touched."""
    deleted = {}
    with connection.cursor() as cursor:
        for each in PUBLIC_ROWS:
            if each.table in tables and not each.kept:
                statement = f"DELETE FROM {each.table} WHERE {each.where}"  # noqa: S608  our own constants
                cursor.execute(statement, [organization_id])
                deleted[each.table] = cursor.rowcount
    return deleted


def what_is_left(counts: dict[str, Any]) -> list[str]:
    """Return the names of what should be gone by these counts and is not.

    A role can outlive its schema where another database of the server, a copy, still grants it something; it
    has no login and no right in this database.
    """
    left = [name for name in ("schemas", "rows", "files", "cache_keys", "waiting_tasks") if counts[name]]
    return left + [each.table for each in PUBLIC_ROWS if not each.kept and counts["public"][each.table]]


def kept_rows(counts: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the shared tables whose rows are kept, with their number and why."""
    return [
        {"table": each.table, "rows": counts["public"][each.table], "why": each.kept}
        for each in PUBLIC_ROWS
        if each.kept
    ]


def _rows_by_table(cursor: Any, schema: str) -> dict[str, int]:
    cursor.execute(
        "SELECT relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname = %s AND c.relkind IN ('r', 'p') ORDER BY relname",
        [schema],
    )
    names = [row[0] for row in cursor.fetchall()]
    if not names:
        return {}
    parts = [
        sql.SQL("SELECT {}::text, count(*) FROM {}").format(sql.Literal(name), sql.Identifier(schema, name))
        for name in names
    ]
    cursor.execute(sql.SQL(" UNION ALL ").join(parts))
    return dict(cursor.fetchall())


def _public_rows(cursor: Any, rows: PublicRows, organization_id: uuid.UUID) -> int:
    statement = f"SELECT count(*) FROM {rows.table} WHERE {rows.where}"  # noqa: S608  our own constants
    return _number(cursor, statement, organization_id)


def _number(cursor: Any, statement: str, value: object) -> int:
    cursor.execute(statement, [value])
    return int(cursor.fetchone()[0])
