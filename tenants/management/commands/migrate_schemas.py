"""The library's command for all schemas is quadratic in their number; it is refused with the way to go."""

import argparse
from typing import Any, NoReturn

from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    """Refuse `migrate_schemas`, whatever it is told."""

    help = "Not used here: run `manage.py migrate` (shared schema), then `manage.py migrate_tenants`."

    def add_arguments(self, parser: Any) -> None:
        """Take what the library's command takes, so that it is told the way to go."""
        parser.add_argument("rest", nargs="*", help=argparse.SUPPRESS)
        for names in (("-s", "--schema"), ("--tenant",), ("--shared",), ("--executor",), ("--fake",)):
            parser.add_argument(*names, nargs="?", help=argparse.SUPPRESS)

    def handle(self, *args: Any, **options: Any) -> NoReturn:
        """Say which commands to use."""
        raise CommandError(self.help)
