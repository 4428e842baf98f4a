"""`python -m benchmarks [name ...]`: run benchmarks, print their figures, write benchmarks/out/<name>.json.

Each runs in a process of its own on an empty database, so that none feels what another left behind.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import django
from django.core.management import call_command

from benchmarks import ground
from benchmarks.machine import facts
from benchmarks.registry import MODULES, ON_REQUEST, UnknownBenchmark, chosen, run_one
from benchmarks.stack import Stack
from config.embedded import (
    EmbeddedServerError,
    EmbeddedServers,
    ensure_servers,
    running_servers,
    stop_servers,
)

OUT = Path(__file__).parent / "out"


def main() -> int:
    """Run what was asked for; return 0, or 1 when a benchmark failed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=", ".join(MODULES))
    parser.add_argument("--list", action="store_true", help="show the benchmarks and stop")
    parser.add_argument("--inside", metavar="NAME", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.inside:
        return _inside(arguments.inside)
    if arguments.list:
        for name in MODULES:
            print(f"{name}{'  (only when named)' if name in ON_REQUEST else ''}")
        return 0
    try:
        return _run_all(chosen(arguments.names))
    except (UnknownBenchmark, EmbeddedServerError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def _run_all(names: list[str]) -> int:
    were_running = running_servers(ground.data_dir()) is not None
    servers = ensure_servers(ground.data_dir())
    failed = []
    try:
        for name in names:
            if not _run_apart(name, servers):
                failed.append(name)
    finally:
        if not were_running:
            stop_servers(ground.data_dir())
    for name in names:
        if name not in failed:
            _print_table(name)
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def _run_apart(name: str, servers: EmbeddedServers) -> bool:
    print(f"\n{name}", flush=True)
    (OUT / f"{name}.json").unlink(missing_ok=True)
    ground.make_empty(servers)
    command = [sys.executable, "-m", "benchmarks", "--inside", name]
    return subprocess.run(command, env=ground.environment(servers), check=False).returncode == 0


def _inside(name: str) -> int:
    """Measure in this process, whose environment names database and cache."""
    machine = facts(os.environ["DATABASE_URL"])
    stack = Stack(dict(os.environ), Path(os.environ["PALAESTRA_DATA_DIR"]))
    django.setup()
    call_command("migrate", verbosity=0, interactive=False)
    figures = run_one(name, stack)
    OUT.mkdir(exist_ok=True)
    document = {"name": name, "figures": figures, "machine": machine}
    (OUT / f"{name}.json").write_text(json.dumps(document, indent=1) + "\n")
    return 0


def _print_table(name: str) -> None:
    document: dict[str, Any] = json.loads((OUT / f"{name}.json").read_text())
    machine = document["machine"]
    print(
        f"\n{name}: {machine['cores']} cores, Python {machine['python']}, PostgreSQL {machine['postgres']} "
        f"(fsync {machine['fsync']}), revision {machine['revision']}, {machine['date']}"
    )
    figures: dict[str, Any] = document["figures"]
    grid = {key: value for key, value in figures.items() if key.count(".") == 2}
    _print_grid(grid)
    for key, value in figures.items():
        if key not in grid:
            print(f"  {key:<34} {value}")


def _print_grid(grid: dict[str, Any]) -> None:
    """Show `name.variant.figure` keys as one row for each name and variant."""
    rows: dict[str, dict[str, Any]] = {}
    for key, value in grid.items():
        row, _, column = key.rpartition(".")
        rows.setdefault(row, {})[column] = value
    if not rows:
        return
    columns = list(dict.fromkeys(column for row in rows.values() for column in row))
    width = max(map(len, rows))
    print(f"  {'':<{width}} " + "".join(f"{column:>12}" for column in columns))
    for row, values in rows.items():
        print(f"  {row:<{width}} " + "".join(f"{values.get(column, '')!s:>12}" for column in columns))


if __name__ == "__main__":
    sys.exit(main())
