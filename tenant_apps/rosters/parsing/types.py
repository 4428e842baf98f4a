"""What reading a roster gives and takes. All frozen: a parsed file is a fact, later steps build on it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

TEXT_COLUMNS = ("employee_id", "first_name", "last_name", "job_title", "department", "location")
COLUMNS = (
    "employee_id",
    "email",
    "first_name",
    "last_name",
    "job_title",
    "department",
    "manager_email",
    "location",
    "timezone",
    "language",
    "start_date",
    "role",
    "cohort",
)

_MAX_CHARACTERS: Mapping[str, int] = {
    "employee_id": 64,
    "email": 254,
    "first_name": 150,
    "last_name": 150,
    "job_title": 200,
    "department": 200,
    "manager_email": 254,
    "location": 200,
    "timezone": 64,
    "language": 35,
    "start_date": 40,
    "role": 64,
    "cohort": 200,
}


class Severity(StrEnum):
    """`REFUSE`: the row is left out. `WARN`: the row is taken, with the stated repair."""

    REFUSE = "refuse"
    WARN = "warn"


@dataclass(frozen=True, slots=True)
class RosterLimits:
    """Bounds on one file.

    Attributes:
        max_bytes: size of the upload in bytes.
        max_rows: people in the file, the header and empty rows not counted.
        max_characters: longest accepted cell per column, in Unicode code points after trimming.
    """

    max_bytes: int = 20 * 1024 * 1024
    max_rows: int = 50_000
    max_characters: Mapping[str, int] = field(default_factory=lambda: _MAX_CHARACTERS)


@dataclass(frozen=True, slots=True)
class RosterRow:
    """One accepted person, normalised. Text that is absent is `""`, a date that is absent is `None`.

    Attributes:
        row: row number as a spreadsheet shows it (the header is 1).
        email: lower case, NFKC, an international domain in its ASCII form; unique in the file.
        manager_email: normalised alike; `""` as well when the named manager was not accepted.
        timezone: IANA name. language: BCP 47 tag such as `de` or `pt-BR`.
        role: one of our role names, never `owner`; `""` leaves the choice to the import.
        cohort: spelled as the known cohort is, or as first seen in the file if any cohort is allowed.
    """

    row: int
    email: str
    employee_id: str = ""
    first_name: str = ""
    last_name: str = ""
    job_title: str = ""
    department: str = ""
    manager_email: str = ""
    location: str = ""
    timezone: str = ""
    language: str = ""
    start_date: date | None = None
    role: str = ""
    cohort: str = ""


@dataclass(frozen=True, slots=True)
class RowIssue:
    """One finding about one cell, for the person who made the file.

    Attributes:
        row: row number as a spreadsheet shows it.
        column: our column name, `""` when the row as a whole is meant.
        code: stable snake_case word.
        value_excerpt: at most 40 characters of the cell, without control characters. It is the user's own
            text and may begin like a formula: neutralise it before writing it into another spreadsheet.
        advice: what to change, in plain English.
        related_row: the other row in question (the first of two duplicates, the refused manager).
    """

    row: int
    column: str
    code: str
    severity: Severity
    value_excerpt: str
    advice: str
    related_row: int | None = None


@dataclass(frozen=True, slots=True)
class ParsedRoster:
    """A read file.

    Attributes:
        rows: accepted people, in file order.
        issues: ordered by row; a row has at least one `REFUSE` issue exactly when it is not in `rows`.
        encoding: `utf-8`, `utf-8-sig`, `utf-16-le`, `utf-16-be`, `cp1252` or `latin-1`.
        delimiter: the character between cells.
        columns: our column name to the header cell that was taken for it.
        ignored_columns: header cells with no meaning to us, whose data was not read.
        total_rows: people in the file, accepted or not; empty rows are not counted.
    """

    rows: tuple[RosterRow, ...]
    issues: tuple[RowIssue, ...]
    encoding: str
    delimiter: str
    columns: Mapping[str, str]
    ignored_columns: tuple[str, ...]
    total_rows: int

    @property
    def refused_rows(self) -> frozenset[int]:
        """Numbers of the rows that were left out."""
        return frozenset(issue.row for issue in self.issues if issue.severity is Severity.REFUSE)
