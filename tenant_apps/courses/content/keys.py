"""The keys by which a folder names what a version holds.

Whoever wrote a folder gave keys; what was made over the API has none, and a published version can be given
none. Such a unit goes by a key made from its lineage: every export of any version calls it the same, and an
import finds it again.
"""

import re
import uuid
from collections.abc import Iterable
from typing import Final

_DERIVED: Final = re.compile(r"lineage-([0-9a-f]{32})")


def derived_key(lineage: uuid.UUID) -> str:
    """Return the key of a unit that was given none."""
    return f"lineage-{lineage.hex}"


def derived_lineage(key: str) -> uuid.UUID | None:
    """Return the lineage that a derived key was made from, None for a key that somebody gave."""
    found = _DERIVED.fullmatch(key)
    return uuid.UUID(found[1]) if found else None


def keys_of(units: Iterable[tuple[uuid.UUID, str]]) -> dict[uuid.UUID, str]:
    """Return the key of each unit by lineage; of two with one key the first has it.

    Args:
        units: lineage and given key ("" for none), in teaching order.
    """
    found: dict[uuid.UUID, str] = {}
    taken: set[str] = set()
    for lineage, given in units:
        key = given if given and given not in taken else derived_key(lineage)
        found[lineage] = key
        taken.add(key)
    return found
