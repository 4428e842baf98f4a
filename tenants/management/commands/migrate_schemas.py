"""The library's command for all schemas is quadratic in their number; it is refused with the way to go."""

from typing import Any, NoReturn

from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    """Refuse `migrate_schemas`."""

    help = "Not used here: run `manage.py migrate` (shared schema), then `manage.py migrate_tenants`."

    def handle(self, *args: Any, **options: Any) -> NoReturn:
        """Say which commands to use."""
        raise CommandError(self.help)
