"""What one connection's backend keeps in memory after it visited many tenants.

PostgreSQL remembers every table a backend touched until the connection ends, so this times the number of
connections is what a server needs; the pool's max_lifetime bounds it (docs/operators/connections.md).
Measured is the memory that belongs to the backend alone, as the kernel tells it.
"""

import re
import time
from pathlib import Path
from typing import Any

from django.db import connections
from django.db.models import Model

from benchmarks.many import count_from_environment, make_tenants
from benchmarks.stack import Stack
from tenant_apps.cohorts.models import Cohort, CohortMember
from tenant_apps.courses.models import Course, CourseVersion, Lesson
from tenant_apps.people.models import Member
from tenant_apps.runs.models import CourseRun, Enrollment
from tenants.context import in_organization
from tenants.postgresql.base import DatabaseWrapper

NAME = "backend_memory"
DESCRIPTION = "Memory of one backend that visits every tenant and reads eight tables in each."

_TABLES: tuple[type[Model], ...] = (
    Cohort,
    CohortMember,
    Course,
    CourseVersion,
    Lesson,
    Member,
    CourseRun,
    Enrollment,
)


def run(stack: Stack) -> dict[str, Any]:
    """Return the figures; `BENCH_MEMORY_TENANTS` is how many tenants are made and visited."""
    count = count_from_environment("BENCH_MEMORY_TENANTS", 1000)
    organizations = make_tenants(count, stack=stack, prefix="memory")
    usual = connections["default"]
    usual.close()
    # One connection of its own: those of the pool would take turns.
    options = {key: value for key, value in usual.settings_dict["OPTIONS"].items() if key != "pool"}
    own = DatabaseWrapper({**usual.settings_dict, "OPTIONS": options}, alias="default")
    connections["default"] = own
    try:
        own.ensure_connection()
        process = int(own.connection.info.backend_pid)
        figures: dict[str, Any] = {"backend_mb_0": _private_mb(process)}
        started = time.perf_counter()
        for number, organization in enumerate(organizations, 1):
            with in_organization(organization):
                for table in _TABLES:
                    table._default_manager.first()
            if number in {1, 10, 100, count}:
                figures[f"backend_mb_{number}"] = _private_mb(process)
                stack.say(f"{number} tenants visited: {figures[f'backend_mb_{number}']} MB")
        took = time.perf_counter() - started
    finally:
        own.close()
        connections["default"] = usual
    grown = figures[f"backend_mb_{count}"] - figures["backend_mb_0"]
    return figures | {
        "tables_each": len(_TABLES),
        "kb_per_tenant": round(grown * 1024 / count, 1),
        "first_visit_ms": round(took * 1000 / count, 2),
    }


def _private_mb(process: int) -> float:
    """Return the memory of a process that no other shares, in MiB. The server runs on this machine."""
    text = Path(f"/proc/{process}/smaps_rollup").read_text()
    kilobytes = sum(int(found) for found in re.findall(r"^Private_(?:Clean|Dirty):\s+(\d+) kB", text, re.M))
    return round(kilobytes / 1024, 1)
