"""Which rows of the shared tables travel with an organization, as each app declares in its `portable.py`.

Every shared table is either portable or excluded with a reason; a test fails for one that is neither.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum


class Belongs(Enum):
    """What a table is about; a restored copy beside the live organization goes without money."""

    PEOPLE = 1
    MONEY = 2
    HISTORY = 3


class Fill(Enum):
    """What a new row gets where the archive has nothing, since it is secret or counted here."""

    UNUSABLE_PASSWORD = "unusable_password"  # noqa: S105  a name, not a secret
    NO_TOKEN = "no_token"  # noqa: S105
    FALSE = "false"
    ZERO = "zero"


@dataclass(frozen=True, slots=True)
class PortableTable:
    """One shared table whose rows partly belong to an organization.

    Attributes:
        table: its name.
        rows: SQL condition on the table that finds them; `{organization}` stands for the quoted id.
        belongs: what it is about.
        left_out: columns that do not travel: secrets, counters, keys counted by a sequence.
        fills: what columns that were left out get at the import; those not named get their default.
        matched_by: a column that names the same thing everywhere (an address, a code): a row that is there
            under it stands for the archive's and is not changed.
        parent: column that names a matched row; rows of a parent that was there are not loaded.
    """

    table: str
    rows: str
    belongs: Belongs
    left_out: frozenset[str] = frozenset()
    fills: Mapping[str, Fill] = field(default_factory=dict)
    matched_by: str = ""
    parent: str = ""


_portable: dict[str, PortableTable] = {}
_excluded: dict[str, str] = {}


def declare_portable(*tables: PortableTable) -> None:
    """Register tables in the order in which they are loaded: what others point to first.

    Raises:
        ValueError: a table was declared before.
    """
    for table in tables:
        _refuse_second(table.table)
        _portable[table.table] = table


def declare_excluded(reason: str, *tables: str) -> None:
    """Register tables whose rows stay, with the reason.

    Raises:
        ValueError: a table was declared before, or the reason is empty.
    """
    if not reason:
        raise ValueError("say why the tables stay")
    for table in tables:
        _refuse_second(table)
        _excluded[table] = reason


def portable_tables() -> tuple[PortableTable, ...]:
    """Return every portable table: people before money before history, else in order of declaration."""
    return tuple(sorted(_portable.values(), key=lambda table: table.belongs.value))


def excluded_tables() -> dict[str, str]:
    """Return table -> reason."""
    return dict(_excluded)


def _refuse_second(table: str) -> None:
    if table in _portable or table in _excluded:
        raise ValueError(f"{table} is declared twice")
