"""`manage.py sync_catalogue [--check]`: bring plans, prices and promotion codes to the payment gateway."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from billing.services.catalogue.promotions import sync_promotions
from billing.services.catalogue.syncing import sync_catalogue
from shared_apps.core.errors import DomainError
from tenants.context import in_public


class Command(BaseCommand):
    """Safe to repeat. A price that differs is told, never corrected."""

    help = "Brings plans, prices and promotion codes to the payment gateway and tells what differs there."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare --check."""
        parser.add_argument("--check", action="store_true", help="change nothing; fail when it would")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print what was done and what differs; fail where something does."""
        only_look: bool = options["check"]
        try:
            with in_public():
                done = sync_catalogue(only_look=only_look)
                codes = 0 if only_look else sync_promotions()
        except DomainError as error:
            raise CommandError(f"{error.code}: {error.title}") from error
        verb = "to be made" if only_look else "made"
        self.stdout.write(
            f"{done.products} plans; prices: {done.made} {verb}, {done.retired} retired; codes: {codes} made"
        )
        for drift in done.drifts:
            self.stdout.write(
                f"differs: {drift.price.plan.code}, {drift.price}: {drift.fact} is {drift.ours} here"
                f" and {drift.theirs} there"
            )
        if done.drifts:
            raise CommandError(f"{len(done.drifts)} facts differ; say which is right, and archive the other.")
        if only_look and (done.made or done.retired):
            raise CommandError("The gateway does not have everything; run it without --check.")
