"""Look for references between an organization's tables and the shared ones that lead nowhere.

No database key crosses that border, so that deleting one user need not ask every organization's tables. What
the services should keep in step is therefore looked at each night. Nothing is corrected: which side is wrong,
and whose right or history hangs on it, somebody has to judge.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import structlog
from django.apps import apps
from django.conf import settings
from django.db import connection
from django.db.models import ForeignKey
from psycopg import sql

from shared_apps.accounts.enums import MembershipStatus
from shared_apps.accounts.models import Membership, User
from shared_apps.usage.services.counting import do_note_orphans
from tenants.context import current_organization, in_public

log = structlog.get_logger(__name__)

# Enough to begin to look by.
_NAMED = 5
# Object rights stand in tables of our own; the library's are never made.
_WITHOUT_TABLES = frozenset({"guardian"})


@dataclass(frozen=True, slots=True)
class Orphans:
    """Values of one column that lead nowhere.

    Attributes:
        column: with its table, "people_member.user_id".
        count: rows.
        ids: of a few of them: what the column says.
    """

    column: str
    count: int
    ids: tuple[str, ...]


def count_orphans() -> int:
    """Look at the current organization, log each column with references that lead nowhere and note their
    number for the console; return it. Safe to repeat: the day's last look stands."""
    organization = current_organization()
    with in_public():
        found = find_orphans(organization.id.hex, organization.schema_name)
        number = sum(each.count for each in found)
        do_note_orphans(organization_id=organization.id, orphans=number)
    for each in found:
        log.error(
            "orphans_found",
            organization=str(organization.id),
            column=each.column,
            count=each.count,
            ids=each.ids,
        )
    return number


def find_orphans(organization_id: str, schema: str) -> list[Orphans]:
    """Return what leads nowhere: users and memberships that an organization's rows name and that are not, or
    not its own; and its memberships without the member who has the same id. One statement, so all of it is
    seen at one moment. In the shared schema: an organization's own role does not see other people at all.

    Args:
        organization_id: its id as text.
        schema: its schema's name.
    """
    parts = [*_references(schema, organization_id), _memberships(schema, organization_id)]
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL(" UNION ALL ").join(parts))
        return [Orphans(column, count, tuple(ids)) for column, count, ids in cursor.fetchall() if count]


def _references(schema: str, organization_id: str) -> Iterator[sql.Composed]:
    for table, column, target in shared_references():
        there = sql.SQL("o.id = t.{}").format(sql.Identifier(column))
        if target == Membership._meta.db_table:
            there += sql.SQL(" AND o.organization_id = {}").format(sql.Literal(organization_id))
        yield _count(
            f"{table}.{column}",
            sql.SQL("t.{}").format(sql.Identifier(column)),
            sql.SQL("{} t WHERE t.{} IS NOT NULL AND NOT EXISTS (SELECT 1 FROM {} o WHERE {})").format(
                sql.Identifier(schema, table), sql.Identifier(column), sql.Identifier("public", target), there
            ),
        )


def _memberships(schema: str, organization_id: str) -> sql.Composed:
    """Return the memberships that nobody in the organization knows of; ended ones are not asked for."""
    return _count(
        f"{Membership._meta.db_table}.id",
        sql.SQL("t.id"),
        sql.SQL(
            "{} t WHERE t.organization_id = {} AND t.status <> {}"
            " AND NOT EXISTS (SELECT 1 FROM {} o WHERE o.id = t.id)"
        ).format(
            sql.Identifier("public", Membership._meta.db_table),
            sql.Literal(organization_id),
            sql.Literal(MembershipStatus.REMOVED.value),
            sql.Identifier(schema, "people_member"),
        ),
    )


def _count(label: str, value: sql.Composable, source: sql.Composed) -> sql.Composed:
    return sql.SQL("SELECT {}::text, count(*), (array_agg({}::text ORDER BY {}))[:{}] FROM {}").format(
        sql.Literal(label), value, value, sql.Literal(_NAMED), source
    )


def shared_references() -> list[tuple[str, str, str]]:
    """Return table and column of an organization's tables that name a user or a membership, and the shared
    table where it must be; told by the models, so that a new table is looked at from its first night."""
    tenant_apps = set(settings.TENANT_APPS) - _WITHOUT_TABLES
    return [
        (model._meta.db_table, field.column, field.related_model._meta.db_table)
        for model in apps.get_models()
        if model._meta.app_config.name in tenant_apps
        for field in model._meta.concrete_fields
        if isinstance(field, ForeignKey) and field.related_model in (User, Membership)
    ]
