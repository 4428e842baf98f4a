"""`manage.py migrate`: the shared schema only, then what tenants may do there."""

from typing import Any

from django.core.management.commands.migrate import Command as DjangoMigrate

from tenants.context import in_public
from tenants.postgresql.rights import apply_register


class Command(DjangoMigrate):
    """Migrate the shared schema. Tenants follow with `migrate_tenants`."""

    help = "Migrates the shared schema; tenants' schemas follow with `manage.py migrate_tenants`."

    def handle(self, *args: Any, **options: Any) -> None:
        """Migrate `public`, then apply the register of shared tables: it describes the newest state, so a
        migration of one app alone, back perhaps, leaves what is there."""
        with in_public():
            options["run_syncdb"] = False
            super().handle(*args, **options)
            if options["app_label"] or options["plan"] or options["check_unapplied"]:
                return
            for table in apply_register():
                self.stderr.write(
                    self.style.WARNING(
                        f"{table} is not in tenants/postgresql/register.py: no tenant reaches it."
                    )
                )
