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
    """Create tenants, one builder, or migrate all of them so many times, one worker; say begin and end."""
    django.setup()
    # Models can be imported only now.
    from benchmarks import scratch_migrations
    from benchmarks.many import make_tenants, quiet_log
    from tenants.context import in_public
    from tenants.services.migrating.migrator import migrate_tenants
    from tenants.services.migrating.options import RunOptions

    with TemporaryDirectory() as folder, quiet_log():
        scratch_migrations.install(Path(folder))
        print(BEGIN, flush=True)
        if act == "create":
            make_tenants(number, prefix=f"created-{os.getpid()}", builders=1)
        for round_ in range(number if act == "migrate" else 0):
            scratch_migrations.write_column(f"neighbour_{round_}")
            with in_public():
                run = migrate_tenants(RunOptions(workers=1), started_by="bench", report=lambda _: None)
            if run is None or run.failed:
                raise RuntimeError(run and run.note)
        print(END, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
