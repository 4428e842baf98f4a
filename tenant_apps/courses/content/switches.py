"""What authors can switch off in a course. A course stores only what differs from the default."""

from collections.abc import Mapping
from typing import Any, Final

DEFAULTS: Final[Mapping[str, bool]] = {
    "drip": True,
    "certificate": True,
    "qa": True,
    "reviews": True,
    "discussions": True,
    "notes": True,
    "self_enrollment": True,
}


def all_switches(stored: Mapping[str, Any]) -> dict[str, bool]:
    """Return every switch with what it stands at; names stored by a later release are left out."""
    return {name: bool(stored.get(name, default)) for name, default in DEFAULTS.items()}


def is_on(stored: Mapping[str, Any], name: str) -> bool:
    """Tell what one switch stands at; KeyError for a name that is no switch."""
    return bool(stored.get(name, DEFAULTS[name]))


def with_changes(stored: Mapping[str, Any], changes: Mapping[str, bool]) -> dict[str, bool]:
    """Return what to store after the changes; KeyError for a name that is no switch."""
    merged = all_switches(stored) | dict(changes)
    return {name: value for name, value in merged.items() if value != DEFAULTS[name]}
