"""`manage.py restore_organization`: put a suspended copy of an organization beside the live one."""

from pathlib import Path
from typing import Any

import psycopg
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from shared_apps.archives.management.telling import Progress, refusal
from shared_apps.archives.services.importing import import_archive, trusted_keys
from shared_apps.core.actors import system_actor
from shared_apps.core.errors import DomainError
from tenants.names import schema_name_for


class Command(BaseCommand):
    """Restore."""

    help = "Restores an archive as a suspended copy beside the live organization; its rows and money stay."

    def add_arguments(self, parser: Any) -> None:
        """Take the file, the subdomain and keys."""
        parser.add_argument("--archive", type=Path, required=True)
        parser.add_argument("--into-new-slug", dest="slug", required=True, help="subdomain of the copy")
        parser.add_argument(
            "--trust", action="append", default=[], help="public key, base64; our own and the setting's too"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Restore, showing progress, and say what came of it."""
        progress = Progress(self.stderr)
        try:
            with options["archive"].open("rb") as source:
                made = import_archive(
                    actor=system_actor("command:restore_organization"),
                    source=source,
                    trusted=trusted_keys(*options["trust"]),
                    slug=options["slug"],
                    as_copy=True,
                    report=progress,
                )
        except DomainError as error:
            raise CommandError(refusal(error)) from error
        except (OSError, DatabaseError, psycopg.Error) as error:
            raise CommandError(f"Nothing was kept. {error}") from error
        finally:
            progress.end()
        self.stdout.write(
            f"{made.host} ({made.organization_id}): {made.rows} rows and {made.files} files,"
            f" {made.tables_compared} tables read back and equal; {made.users_made} people new,"
            f" {made.users_found} known here; {made.ids_changed} ids changed."
        )
        schema = schema_name_for(made.organization_id.hex)
        self.stdout.write(f"The copy is suspended; its rows stand in schema {schema}.")
