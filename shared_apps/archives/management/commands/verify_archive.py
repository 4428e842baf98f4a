"""`manage.py verify_archive acme.archive --trust KEY`: check every byte of an archive, without a database."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from shared_apps.archives.content.reading import verify
from shared_apps.archives.management.telling import refusal
from shared_apps.core import signing
from shared_apps.core.errors import DomainError


class Command(BaseCommand):
    """Verify."""

    help = "Checks hashes and signature of an archive. Needs the public key alone."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: Any) -> None:
        """Take the file and keys."""
        parser.add_argument("archive", type=Path)
        parser.add_argument(
            "--trust", action="append", default=[], help="public key, base64; our own and the setting's too"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Verify and say what the archive holds."""
        trusted = [*options["trust"], *settings.ARCHIVE_TRUSTED_KEYS, signing.public_key()]
        try:
            with options["archive"].open("rb") as source:
                verified = verify(source, trusted=trusted)
        except DomainError as error:
            raise CommandError(refusal(error)) from error
        except OSError as error:
            raise CommandError(f"{options['archive']} cannot be read: {error.strerror or error}") from error
        about, manifest = verified.header["organization"], verified.manifest
        self.stdout.write(
            f"whole and signed by {signing.key_id(verified.public_key)}: {about['name']} ({about['slug']}),"
            f" made {verified.header['created_at']}, schema level {verified.header['schema']['level']},"
            f" {manifest['rows']} rows, {manifest['files']} files"
        )
