"""`manage.py create_operator EMAIL`: make somebody an operator of the platform."""

import getpass
import os
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from shared_apps.accounts.services.operators import make_operator
from shared_apps.core.actors import system_actor
from shared_apps.core.errors import DomainError
from tenants.context import in_public


class Command(BaseCommand):
    """Create or renew an operator's account."""

    help = "Makes the person an operator. The password comes from OPERATOR_PASSWORD, or is asked for."

    def add_arguments(self, parser: Any) -> None:
        """Take the address and a name."""
        parser.add_argument("email")
        parser.add_argument("--name", default="")

    def handle(self, *args: Any, **options: Any) -> None:
        """Make the account and say so."""
        password = os.environ.get("OPERATOR_PASSWORD") or getpass.getpass("Password: ")
        try:
            with in_public():
                make_operator(
                    actor=system_actor("create_operator"),
                    email=options["email"],
                    password=password,
                    name=options["name"],
                )
        except DomainError as error:
            raise CommandError(f"{error.title} {error.facts.get('reasons', '')}") from error
        self.stdout.write(f"{options['email']} is an operator and can sign in on the platform host.")
