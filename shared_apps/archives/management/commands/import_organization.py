"""`manage.py import_organization`: make an organization from an archive, as a new one here."""

from pathlib import Path
from typing import Any

import psycopg
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from shared_apps.archives.management.telling import Progress, refusal
from shared_apps.archives.services.importing import import_archive, trusted_keys
from shared_apps.core.actors import system_actor
from shared_apps.core.errors import DomainError


class Command(BaseCommand):
    """Import."""

    help = "Imports an archive as a new organization: all of it, compared, or nothing."

    def add_arguments(self, parser: Any) -> None:
        """Take the file, the subdomain and keys."""
        parser.add_argument("archive", type=Path)
        parser.add_argument("--slug", help="subdomain here; the archive's own if it is free")
        parser.add_argument(
            "--trust", action="append", default=[], help="public key, base64; our own and the setting's too"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Import, showing progress, and say what came of it."""
        progress = Progress(self.stderr)
        try:
            with options["archive"].open("rb") as source:
                made = import_archive(
                    actor=system_actor("command:import_organization"),
                    source=source,
                    trusted=trusted_keys(*options["trust"]),
                    slug=options["slug"],
                    as_copy=False,
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
        if made.hosts_left:
            self.stdout.write(
                f"Hosts it had that do not lead here: {', '.join(made.hosts_left)}."
                " Custom domains are claimed anew."
            )
