"""What is counted, and under which names it waits in Valkey until it is written down."""

import uuid
from collections.abc import Callable
from datetime import date

from tenants.cache import PLATFORM_PREFIX

REQUESTS = "requests"
TASKS = "tasks"

# A hash in the cache's Valkey; the fair queue keeps one of the same form in its own.
USAGE_KEY = f"{PLATFORM_PREFIX}usage"


def usage_field(day: date, organization_id: uuid.UUID, kind: str) -> str:
    """Return the hash's field of one organization's figure of a day (UTC)."""
    return f"{day.isoformat()}/{organization_id}/{kind}"


_file_meters: list[Callable[[], int]] = []


def register_file_meter(meter: Callable[[], int]) -> None:
    """Add a function that returns the bytes of files of the current organization, in `AppConfig.ready`."""
    _file_meters.append(meter)


def measure_files() -> int:
    """Return the bytes of the current organization's files."""
    return sum(meter() for meter in _file_meters)
