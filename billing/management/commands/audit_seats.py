"""Hold the ledgers of seats against the seats."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from billing.services.seats.ledger import audit_seats
from tenants.context import in_public


class Command(BaseCommand):
    """Ends with status 1 when something is wrong, and says what."""

    help = "Hold the ledgers of seats against the seats, and keep what differs as drifts."

    def handle(self, *args: Any, **options: Any) -> None:
        """Run it."""
        with in_public():
            faults = audit_seats()
        for fault in faults:
            self.stdout.write(
                f"organization {fault.organization_id}, subscription {fault.subscription_id}:"
                f" {fault.fact} is {fault.ledger} in the ledger, {fault.rows} in the rows"
            )
        if faults:
            raise CommandError(f"{len(faults)} faults")
        self.stdout.write("All ledgers are right.")
