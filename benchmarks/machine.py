"""What the figures were measured on."""

import os
import platform
import subprocess
from pathlib import Path
from typing import Any

import psycopg

from shared_apps.core import clock


def facts(database_url: str) -> dict[str, Any]:
    """Return cores, versions, date and revision, so that two tables can be compared honestly."""
    with psycopg.connect(database_url) as connection:
        row = connection.execute(
            "SELECT current_setting('server_version'), current_setting('fsync'),"
            " current_setting('synchronous_commit')"
        ).fetchone()
    assert row is not None  # noqa: S101  a SELECT without FROM has one row
    return {
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "processor": _processor(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "postgres": row[0],
        "fsync": row[1],
        "synchronous_commit": row[2],
        "load_before": round(os.getloadavg()[0], 2),
        "date": clock.now().isoformat(timespec="seconds"),
        "revision": _revision(),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "")


def _revision() -> str:
    """The commit, with `+` behind it when files differ from it."""
    try:
        commit = _git("rev-parse", "--short=12", "HEAD")
        return commit + ("+" if _git("status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _git(*arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], capture_output=True, text=True, check=True, cwd=Path(__file__).parent
    )
    return done.stdout.strip()
