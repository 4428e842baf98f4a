"""`manage.py dump_template`: write the DDL of a schema that Django migrated as the template script."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from tenants.context import in_public
from tenants.ddl import SCRIPT_PATH, migrations_version
from tenants.services.template import make_template_script


class Command(BaseCommand):
    """Make the script every tenant schema is built from."""

    help = "Builds a scratch schema by the migrations and writes its DDL to tenants/ddl/template.sql."

    def add_arguments(self, parser: Any) -> None:
        """--check compares instead of writing."""
        parser.add_argument(
            "--check", action="store_true", help="fail if the committed script is out of date"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Write or compare."""
        with in_public():
            script = make_template_script()
        if options["check"]:
            if script != SCRIPT_PATH.read_text(encoding="utf-8"):
                raise CommandError(
                    "tenants/ddl/template.sql is out of date: run `make template` and commit it."
                )
            self.stdout.write(f"template.sql is up to date (version {migrations_version()})")
            return
        SCRIPT_PATH.write_text(script, encoding="utf-8")
        self.stdout.write(
            f"wrote {SCRIPT_PATH.name}: {len(script.splitlines())} lines, {migrations_version()}"
        )
