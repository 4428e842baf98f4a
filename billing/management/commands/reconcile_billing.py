"""`manage.py reconcile_billing`: hold our subscriptions and invoices against the gateway's, now."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from billing.selectors.gateway import list_drifts
from billing.services.gateway.reconcile import reconcile
from shared_apps.core.actors import system_actor
from shared_apps.core.errors import DomainError
from tenants.context import in_public


class Command(BaseCommand):
    """Compare and tell; nothing is corrected."""

    help = "Compares with the payment gateway and lists what differs. Ends with 1 when something does."

    def handle(self, *args: Any, **options: Any) -> None:
        """Compare, then list what is open."""
        with in_public():
            try:
                done = reconcile()
            except DomainError as error:
                raise CommandError(f"{error.title} {error.advice}") from error
            if done is None:
                raise CommandError("No payment gateway is set up (STRIPE_API_KEY).")
            self.stdout.write(
                f"{done.subscriptions} subscriptions and {done.invoices} invoices compared: "
                f"{done.differing} facts differ, {done.new} of them new; {done.resolved} are over."
            )
            actor = system_actor("reconcile_billing")
            for drift in list_drifts(actor=actor, organization_id=None, is_open=True):
                self.stdout.write(f"{drift.organization_id} {drift}")
        if done.differing:
            raise CommandError("There are differences.", returncode=1)
