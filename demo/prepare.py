"""`python -m demo.prepare`: bring the database up to date, fill the pool of schemas, make the operator.

One process for four commands, since starting Django takes longer than any of them with nothing to do.
"""

import os

import django
from django.core.management import call_command

from demo.story import OPERATOR

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.local")
    django.setup()
    call_command("migrate", verbosity=0, interactive=False)
    call_command("migrate_tenants")
    call_command("refill_ready_schemas")
    call_command("create_operator", OPERATOR, name="Demo Operator")
