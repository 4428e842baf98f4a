"""`manage.py restore_organization`: put a suspended copy of an organization beside the live one."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from shared_apps.archives.management.loading import add_trust, load
from tenants.names import schema_name_for


class Command(BaseCommand):
    """Restore."""

    help = "Restores an archive as a suspended copy beside the live organization; its rows and money stay."

    def add_arguments(self, parser: Any) -> None:
        """Take the file, the subdomain and keys."""
        parser.add_argument("--archive", type=Path, required=True)
        parser.add_argument("--into-new-slug", dest="slug", required=True, help="subdomain of the copy")
        add_trust(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Restore, and say where the copy's rows stand."""
        made = load(self, options["archive"], slug=options["slug"], trust=options["trust"], as_copy=True)
        schema = schema_name_for(made.organization_id.hex)
        self.stdout.write(f"The copy is suspended; its rows stand in schema {schema}.")
