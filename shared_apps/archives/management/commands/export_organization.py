"""`manage.py export_organization acme --to acme.archive`: write one organization's archive to a file."""

import os
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from shared_apps.archives.management.telling import Progress, refusal
from shared_apps.archives.services.exporting import export_to_file
from shared_apps.core import signing
from shared_apps.core.actors import system_actor
from shared_apps.core.errors import DomainError


class Command(BaseCommand):
    """Export."""

    help = "Writes one organization, whatever its state, as one signed archive."

    def add_arguments(self, parser: Any) -> None:
        """Take the organization and the file."""
        parser.add_argument("organization", help="slug or id")
        parser.add_argument("--to", type=Path, required=True, help="file to write; it must not exist")

    def handle(self, *args: Any, **options: Any) -> None:
        """Export, and say what was written and which key checks it."""
        target: Path = options["to"]
        if target.exists():
            raise CommandError(f"{target} is there already; name another file.")
        progress = Progress(self.stderr)
        half = target.with_name(f".{target.name}.{os.getpid()}.part")
        try:
            with half.open("xb") as sink:
                written = export_to_file(
                    actor=system_actor("command:export_organization"),
                    organization=options["organization"],
                    sink=sink,
                    report=progress,
                )
                sink.flush()
                os.fsync(sink.fileno())
            half.rename(target)
        except DomainError as error:
            raise CommandError(refusal(error)) from error
        except OSError as error:
            raise CommandError(f"{target} could not be written: {error.strerror or error}") from error
        finally:
            progress.end()
            half.unlink(missing_ok=True)
        self.stdout.write(
            f"{target}: {written.size} bytes, {written.rows} rows, {written.files} files,"
            f" sha256 {written.sha256}, public key {signing.public_key()}"
        )
