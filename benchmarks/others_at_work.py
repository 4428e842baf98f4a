"""The work of others beside a measured tenant, in a process of its own.

python -m benchmarks.others_at_work create NUMBER | migrate ROUNDS
"""

import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import django

BEGIN, END = "BEGIN", "END"


def main(act: str, number: int) -> None:
    """Fill the pool with so many more schemas and give each to an organization, as the platform does, or
    migrate all tenants so many times, one worker; say begin and end."""
    django.setup()
    # Models can be imported only now.
    from benchmarks import scratch_migrations
    from benchmarks.many import quiet_log
    from shared_apps.core.actors import system_actor
    from shared_apps.onboarding.services.provisioning import provision_organization
    from shared_apps.onboarding.types import NewOrganization
    from tenants.context import in_public
    from tenants.selectors.organizations import count_ready_schemas
    from tenants.services.migrating.migrator import migrate_tenants
    from tenants.services.migrating.options import RunOptions
    from tenants.services.pool import refill_pool

    with TemporaryDirectory() as folder, quiet_log():
        scratch_migrations.install(Path(folder))
        print(BEGIN, flush=True)
        if act == "create":
            with in_public():
                refill_pool(target=count_ready_schemas() + number, wait=True)
                for place in range(number):
                    provision_organization(
                        actor=system_actor("bench"),
                        request=NewOrganization(
                            name=f"Created {place}",
                            slug=f"created-{os.getpid()}-{place}",
                            owner_email=f"owner-{place}@created.example",
                        ),
                    )
        for round_ in range(number if act == "migrate" else 0):
            scratch_migrations.write_column(f"neighbour_{round_}")
            with in_public():
                run = migrate_tenants(RunOptions(workers=1), started_by="bench", report=lambda _: None)
            if run is None or run.failed:
                raise RuntimeError(run and run.note)
        print(END, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
