"""Measure what the current organization stores."""

from django.db import connection

from shared_apps.usage.services.counting import do_note_storage
from shared_apps.usage.types import measure_files
from tenants.context import current_organization, in_public


def measure_storage() -> None:
    """Note the size of the current organization's schema (tables, indexes, long values), its files and its
    rows. Two statements on the catalogue, whatever it holds.

    Safe to repeat: the day's last measurement stands.
    """
    organization = current_organization()
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT COALESCE(sum(pg_total_relation_size(c.oid)), 0)::bigint,
                   COALESCE(sum(GREATEST(c.reltuples::bigint, pg_stat_get_live_tuples(c.oid), 0)), 0)::bigint
              FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE n.nspname = %s AND c.relkind IN ('r', 'm')
            """,
            [organization.schema_name],
        )
        database_bytes, rows = cursor.fetchone()
    files = measure_files()
    with in_public():
        do_note_storage(
            organization_id=organization.id, database_bytes=database_bytes, file_bytes=files, rows=rows
        )
