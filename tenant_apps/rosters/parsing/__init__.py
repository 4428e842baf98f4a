"""Reading an HR export: bytes in, typed rows and row issues out.

Nothing here knows Django, the database or the organization: what the organization already has (e-mail
addresses, cohort names) is handed in. So the same bytes always give the same answer, and a plan can be
computed anywhere.

Row numbers are those a spreadsheet shows: the header is row 1, the first person row 2. A cell with line
breaks does not advance the count, an empty row does, and Excel's `sep=;` line, which no spreadsheet
displays, is not counted.
"""

from tenant_apps.rosters.parsing.errors import (
    BrokenEncoding,
    BrokenQuoting,
    DuplicateColumn,
    FileTooLarge,
    MissingColumn,
    NoRows,
    NotText,
    RosterFileError,
    TooManyColumns,
    TooManyRows,
)
from tenant_apps.rosters.parsing.reading import read_roster
from tenant_apps.rosters.parsing.types import ParsedRoster, RosterLimits, RosterRow, RowIssue, Severity

__all__ = [
    "BrokenEncoding",
    "BrokenQuoting",
    "DuplicateColumn",
    "FileTooLarge",
    "MissingColumn",
    "NoRows",
    "NotText",
    "ParsedRoster",
    "RosterFileError",
    "RosterLimits",
    "RosterRow",
    "RowIssue",
    "Severity",
    "TooManyColumns",
    "TooManyRows",
    "read_roster",
]
