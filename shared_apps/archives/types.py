"""Values that pass between the steps of an export or import."""

from collections.abc import Callable
from dataclasses import dataclass

# Called with kilobytes done and kilobytes expected; expected is an estimate.
Report = Callable[[int, int], None]


def no_report(done: int, expected: int) -> None:
    """Say nothing."""


@dataclass(frozen=True, slots=True)
class Table:
    """One table as it stands in an archive."""

    area: str  # "public" or "tenant"
    name: str
    columns: tuple[str, ...]

    def member(self, part: int) -> str:
        """Return the name of the member with this part of its rows, from 1."""
        return f"rows/{self.area}/{self.name}.{part:06d}.copy"


@dataclass(frozen=True, slots=True)
class Contents:
    """What an export wrote. `size` is that of the archive in bytes, `unpacked` that of what is in it."""

    size: int
    unpacked: int
    sha256: str
    rows: int
    files: int
    schema_level: int
    left_out_jobs: int
