"""`manage.py import_organization`: make an organization from an archive, as a new one here."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from shared_apps.archives.management.loading import add_trust, load


class Command(BaseCommand):
    """Import."""

    help = "Imports an archive as a new organization: all of it, compared, or nothing."

    def add_arguments(self, parser: Any) -> None:
        """Take the file, the subdomain and keys."""
        parser.add_argument("archive", type=Path)
        parser.add_argument("--slug", help="subdomain here; the archive's own if it is free")
        add_trust(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Import, and name the hosts that do not lead here."""
        made = load(self, options["archive"], slug=options["slug"], trust=options["trust"], as_copy=False)
        if made.hosts_left:
            self.stdout.write(
                f"Hosts it had that do not lead here: {', '.join(made.hosts_left)}."
                " Custom domains are claimed anew."
            )
