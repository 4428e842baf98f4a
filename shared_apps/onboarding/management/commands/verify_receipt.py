"""`manage.py verify_receipt receipt.json --public-key KEY`: check a receipt of a deletion, offline."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from shared_apps.onboarding.errors import ReceiptNotValid
from shared_apps.onboarding.services.receipts import check_receipt


class Command(BaseCommand):
    """Check signature and form; needs no database and no network."""

    help = "Checks the receipt of a deleted organization against the platform's public key."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare file and key."""
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--public-key",
            required=True,
            help="base64, from /.well-known/palaestra-keys.json or your records",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Print what the receipt says, or fail."""
        try:
            document = options["file"].read_bytes()
        except OSError as error:
            raise CommandError(f"cannot read {options['file']}: {error}") from error
        try:
            statement = check_receipt(document, trusted_key=options["public_key"])
        except ReceiptNotValid as error:
            raise CommandError(f"not valid: {error.facts['why']}") from error
        organization = statement["organization"]
        self.stdout.write(
            f"valid: {organization['name']} ({organization['slug']}, {organization['id']}) was deleted;"
            f" signed {statement['signed_at']}"
        )
        self.stdout.write(json.dumps({"before": statement["before"], "after": statement["after"]}, indent=1))
