"""Records to rows: every cell of a record is checked, so that one upload shows everything that is wrong.

Refused is what would make a wrong or unsafe account (address, formula, date, zone, role, cohort, too long);
warned about is what can be left out or repaired without harm to the person (spaces, language, manager).
"""

from collections.abc import Collection, Sequence
from datetime import date

from tenant_apps.rosters.parsing.cells import CleanCell, clean_cell, excerpt
from tenant_apps.rosters.parsing.headers import HeaderMap
from tenant_apps.rosters.parsing.types import TEXT_COLUMNS, RosterLimits, RosterRow, RowIssue, Severity
from tenant_apps.rosters.parsing.values import (
    Flaw,
    fold_name,
    parse_date,
    parse_email,
    parse_language,
    parse_role,
    parse_timezone,
)

_CELL_ADVICE = {
    "spaces": "Extra spaces were removed; no change is needed.",
    "invisible_removed": "Invisible characters were removed; check the value if it looks wrong.",
    "damaged_text": "A character was lost in an earlier export; correct the value in the source system.",
    "control_character": "The cell holds a control character; delete the value and type it anew.",
    "formula_cell": "A spreadsheet would run this cell as a formula; replace it by plain text.",
}
_UNKNOWN_COHORT = Flaw("unknown_cohort", "Use the name of an existing cohort, or create this cohort first.")
_EMAIL_MISSING = Flaw("email_missing", "Enter the person's e-mail address; it is how they sign in.")
_MANAGER_INVALID = Flaw(
    "manager_invalid", "The manager must be given by e-mail address; the person is taken without a manager."
)
_TOO_MANY_CELLS = Flaw(
    "too_many_cells",
    "The row has more cells than the header; put quotes around text that holds the delimiter.",
)
# Trimming these changes nothing for anybody; in the others a space may have broken a match in another system.
_FREE_TEXT_COLUMNS = frozenset(TEXT_COLUMNS) - {"employee_id"}
_EMAIL_COLUMNS = frozenset({"email", "manager_email"})


class RowReader:
    """Checks records one after the other against one header and what the organization knows.

    Attributes:
        issues: findings so far, in order of rows.
        claimed_emails: address to the first row that gave it, refused rows too: a second row with the
            address is a contradiction in the file even when the first cannot be taken.
        claimed_employee_ids: likewise for employee ids.
    """

    def __init__(
        self, header: HeaderMap, *, known_cohorts: Collection[str] | None, limits: RosterLimits
    ) -> None:
        self._width = header.width
        self._max_characters = limits.max_characters
        self._text_columns = [
            (name, header.positions[name]) for name in TEXT_COLUMNS if name in header.positions
        ]
        self._positions = header.positions
        self._may_create_cohorts = known_cohorts is None
        self._cohorts = {fold_name(name): name for name in known_cohorts or ()}
        self.issues: list[RowIssue] = []
        self.claimed_emails: dict[str, int] = {}
        self.claimed_employee_ids: dict[str, int] = {}

    def read(self, row: int, record: Sequence[str]) -> RosterRow | None:
        """Check one record; give the row, or None if it is refused. All findings go to `issues`."""
        first_issue = len(self.issues)
        if len(record) > self._width and any(cell.strip() for cell in record[self._width :]):
            overhang = next(cell for cell in record[self._width :] if cell.strip())
            self._add(row, "", _TOO_MANY_CELLS, overhang)
        email = self._read_email(row, record)
        texts = {column: self._clean(row, column, record) or "" for column, _ in self._text_columns}
        self._claim_employee_id(row, texts.get("employee_id", ""), first_issue)
        parsed = RosterRow(
            row=row,
            email=email,
            manager_email=self._read_manager(row, record),
            timezone=self._read_timezone(row, record),
            language=self._read_language(row, record),
            start_date=self._read_start_date(row, record),
            role=self._read_role(row, record),
            cohort=self._read_cohort(row, record),
            **texts,
        )
        is_refused = any(issue.severity is Severity.REFUSE for issue in self.issues[first_issue:])
        return None if is_refused else parsed

    def _clean(self, row: int, column: str, record: Sequence[str]) -> str | None:
        """Give the clean text of a cell, `""` if there is none, None if it was refused (and reported)."""
        position = self._positions.get(column)
        # Some exporters leave out the empty cells at the end of a row.
        if position is None or position >= len(record):
            return ""
        raw = record[position]
        if not raw:
            return ""
        cell = clean_cell(raw)
        for code in cell.warnings:
            if code == "spaces" and column in _FREE_TEXT_COLUMNS:
                continue
            self._add(row, column, Flaw(code, _CELL_ADVICE[code]), raw, Severity.WARN)
        if cell.refused and not self._is_address_without_name(column, cell):
            self._add(row, column, Flaw(cell.refused, _CELL_ADVICE[cell.refused]), raw)
            return None
        maximum = self._max_characters[column]
        if len(cell.text) > maximum:
            self._add(
                row, column, Flaw("too_long", f"Shorten the value to at most {maximum} characters."), raw
            )
            return None
        return cell.text

    @staticmethod
    def _is_address_without_name(column: str, cell: CleanCell) -> bool:
        # "@company.example" is a broken address to whoever reads the report, not an attempt at a formula; it
        # is refused (or left out) as such.
        return column in _EMAIL_COLUMNS and cell.refused == "formula_cell" and cell.text.startswith("@")

    def _read_email(self, row: int, record: Sequence[str]) -> str:
        text = self._clean(row, "email", record)
        if text is None:
            return ""
        email = parse_email(text) if text else _EMAIL_MISSING
        if isinstance(email, Flaw):
            self._add(row, "email", email, text)
            return ""
        first_row = self.claimed_emails.setdefault(email, row)
        if first_row != row:
            advice = (
                f"Row {first_row} has the same address (capital letters do not count); keep one of the two."
            )
            self._add(row, "email", Flaw("duplicate_row", advice), text, related_row=first_row)
        return email

    def _claim_employee_id(self, row: int, employee_id: str, first_issue: int) -> None:
        if not employee_id or any(issue.code == "duplicate_row" for issue in self.issues[first_issue:]):
            return
        first_row = self.claimed_employee_ids.setdefault(fold_name(employee_id), row)
        if first_row != row:
            advice = f"Row {first_row} has the same employee id; give each person their own."
            flaw = Flaw("duplicate_employee_id", advice)
            self._add(row, "employee_id", flaw, employee_id, related_row=first_row)

    def _read_manager(self, row: int, record: Sequence[str]) -> str:
        text = self._clean(row, "manager_email", record)
        if not text:
            return ""
        manager = parse_email(text)
        if isinstance(manager, Flaw):
            self._add(row, "manager_email", _MANAGER_INVALID, text, Severity.WARN)
            return ""
        return manager

    def _read_timezone(self, row: int, record: Sequence[str]) -> str:
        text = self._clean(row, "timezone", record)
        return self._value_or_report(row, "timezone", text, parse_timezone(text)) if text else ""

    def _read_language(self, row: int, record: Sequence[str]) -> str:
        text = self._clean(row, "language", record)
        return (
            self._value_or_report(row, "language", text, parse_language(text), Severity.WARN) if text else ""
        )

    def _read_role(self, row: int, record: Sequence[str]) -> str:
        text = self._clean(row, "role", record)
        return self._value_or_report(row, "role", text, parse_role(text)) if text else ""

    def _read_cohort(self, row: int, record: Sequence[str]) -> str:
        text = self._clean(row, "cohort", record)
        if not text:
            return ""
        if self._may_create_cohorts:
            return self._cohorts.setdefault(fold_name(text), text)
        return self._value_or_report(row, "cohort", text, self._cohorts.get(fold_name(text), _UNKNOWN_COHORT))

    def _read_start_date(self, row: int, record: Sequence[str]) -> date | None:
        text = self._clean(row, "start_date", record)
        if not text:
            return None
        parsed = parse_date(text)
        if isinstance(parsed, Flaw):
            self._add(row, "start_date", parsed, text)
            return None
        return parsed

    def _value_or_report(
        self, row: int, column: str, text: str, value: str | Flaw, severity: Severity = Severity.REFUSE
    ) -> str:
        if isinstance(value, Flaw):
            self._add(row, column, value, text, severity)
            return ""
        return value

    def _add(
        self,
        row: int,
        column: str,
        flaw: Flaw,
        raw: str,
        severity: Severity = Severity.REFUSE,
        *,
        related_row: int | None = None,
    ) -> None:
        self.issues.append(RowIssue(row, column, flaw.code, severity, excerpt(raw), flaw.advice, related_row))
