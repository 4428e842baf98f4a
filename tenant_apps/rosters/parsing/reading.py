"""The whole way from an upload's bytes to a parsed roster."""

from collections.abc import Collection

from tenant_apps.rosters.parsing.decoding import decode_roster
from tenant_apps.rosters.parsing.dialect import find_delimiter, read_records, split_sep_line
from tenant_apps.rosters.parsing.errors import NoRows, TooManyRows
from tenant_apps.rosters.parsing.headers import count_known_columns, map_headers
from tenant_apps.rosters.parsing.reporting_lines import check_reporting_lines
from tenant_apps.rosters.parsing.rows import RowReader
from tenant_apps.rosters.parsing.types import ParsedRoster, RosterLimits, RosterRow
from tenant_apps.rosters.parsing.values import normalize_known_email

_DEFAULT_LIMITS = RosterLimits()


def read_roster(
    content: bytes,
    *,
    known_emails: Collection[str],
    known_cohorts: Collection[str] | None,
    limits: RosterLimits = _DEFAULT_LIMITS,
) -> ParsedRoster:
    """Read an HR export.

    Args:
        content: the uploaded bytes.
        known_emails: addresses of the organization's people; a manager may be one of them. Any spelling.
        known_cohorts: names a row may use, spelled as the result shall spell them; None lets rows name any
            cohort (the import then creates it).
        limits: bounds on size, rows and cells.

    Returns:
        Accepted rows and all findings. The result depends on the arguments alone.

    Raises:
        RosterFileError: the file as a whole is unusable; see its subclasses for the reasons.
    """
    decoded = decode_roster(content, max_bytes=limits.max_bytes)
    text, named_delimiter = split_sep_line(decoded.text)
    delimiter = named_delimiter or find_delimiter(text, count_known_columns)
    records = read_records(text, delimiter)
    _, header_cells = next(records, (0, []))
    if not header_cells:
        raise NoRows()
    header = map_headers(header_cells)
    reader = RowReader(header, known_cohorts=known_cohorts, limits=limits)
    rows: list[RosterRow] = []
    total_rows = 0
    for row, record in records:
        total_rows += 1
        if total_rows > limits.max_rows:
            raise TooManyRows(max_rows=limits.max_rows)
        parsed = reader.read(row, record)
        if parsed is not None:
            rows.append(parsed)
    if not total_rows:
        raise NoRows()
    checked = check_reporting_lines(
        rows,
        known_emails=frozenset(map(normalize_known_email, known_emails)),
        claimed_emails=reader.claimed_emails,
    )
    return ParsedRoster(
        rows=tuple(checked.rows),
        # Sorting is stable: findings of one row keep the order in which its cells were checked.
        issues=tuple(sorted([*reader.issues, *checked.issues], key=lambda issue: issue.row)),
        encoding=decoded.encoding,
        delimiter=delimiter,
        columns=header.columns,
        ignored_columns=header.ignored,
        total_rows=total_rows,
    )
