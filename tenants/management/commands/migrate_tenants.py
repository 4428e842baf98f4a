"""`manage.py migrate_tenants`: bring every tenant schema that is behind to the code's version, one by one."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from tenants.context import in_public
from tenants.ddl import template_level, template_version
from tenants.enums import SchemaState
from tenants.models import TenantSchema
from tenants.services.template import migrate_schema


class Command(BaseCommand):
    """Migrate tenants that are behind; a failing one does not stop the rest."""

    help = "Migrates every claimed tenant schema whose version is behind the code's."

    def handle(self, *args: Any, **options: Any) -> None:
        """Migrate each outdated schema in turn, keep the error of each failing one in the registry."""
        with in_public():
            behind = TenantSchema.objects.filter(state=SchemaState.CLAIMED).exclude(
                schema_version=template_version()
            )
            rows = list(behind)
        failed = 0
        for number, row in enumerate(rows, start=1):
            error = _migrate(row)
            failed += bool(error)
            self.stdout.write(f"{number}/{len(rows)} {row.schema_name} {error or 'ok'}")
        if failed:
            raise CommandError(f"{failed} of {len(rows)} tenants failed; their errors are in the registry.")
        self.stdout.write(f"{len(rows)} tenants migrated, the rest were up to date")


def _migrate(row: TenantSchema) -> str:
    try:
        migrate_schema(row.schema_name)
    except Exception as error:  # noqa: BLE001  whatever it is, the next tenant must get its turn
        row.error = f"{type(error).__name__}: {error}"
    else:
        row.error = ""
        row.schema_version = template_version()
        row.schema_level = template_level()
    with in_public():
        row.save_fields("error", "schema_version", "schema_level")
    return row.error
