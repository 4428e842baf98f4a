"""`manage.py refill_ready_schemas`: fill the pool of ready schemas now, instead of waiting for the beat."""

from typing import Any

from django.core.management.base import BaseCommand

from tenants.services.pool import refill_in_public


class Command(BaseCommand):
    """Fill the pool."""

    help = "Builds the ready schemas that are wanted now, or as many as --target says."

    def add_arguments(self, parser: Any) -> None:
        """Take another target."""
        parser.add_argument("--target", type=int, default=None)

    def handle(self, *args: Any, **options: Any) -> None:
        """Build and say how many."""
        self.stdout.write(f"{refill_in_public(options['target'])} schemas built")
