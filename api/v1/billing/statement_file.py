"""The people of a statement as a file for a spreadsheet, under each line of the invoices."""

import csv
import io
from collections.abc import Iterator, Sequence
from datetime import datetime

from api.v1.billing.serializers_statements import days
from billing.models import SeatStatement, StatementHolding
from billing.selectors.statements import list_people, window_of
from tenants.context import in_organization
from tenants.scope import OrganizationRef

COLUMNS = (
    "line",
    "description",
    "member_id",
    "name",
    "email",
    "held_from",
    "held_to",
    "seat_days",
    "active_days",
)
_ROWS_AT_ONCE = 2000
# What a spreadsheet takes for a formula at the start of a cell.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def statement_lines(organization: OrganizationRef, statement: SeatStatement) -> Iterator[bytes]:
    """Yield the file in parts: the whole month as line 0, then each line of the invoices with the people who
    held seats in its time. Times in UTC.

    The server reads this after the request has left the organization, so each part enters it again.
    """
    yield _written([COLUMNS])
    for number in range(len(statement.content["lines"]) + 1):
        told = statement.content["lines"][number - 1]["description"] if number else "The whole month"
        window = window_of(statement, number)
        after = 0
        while True:
            with in_organization(organization):
                page = list(list_people(statement=statement, line=number, after=after, most=_ROWS_AT_ONCE))
            if not page:
                break
            yield _written([_row(number, told, held, window) for held in page])
            after = page[-1].position


def _row(line: int, told: str, held: StatementHolding, window: tuple[datetime, datetime]) -> list[str]:
    start, end = max(held.held_from, window[0]), min(held.held_to, window[1])
    active = 0.0
    if held.active_from is not None:
        active = max(0.0, (end - max(start, held.active_from)).total_seconds())
    return [
        str(line),
        _harmless(told),
        str(held.membership_id),
        _harmless(held.name),
        _harmless(held.email),
        f"{start:%Y-%m-%dT%H:%M:%SZ}",
        f"{end:%Y-%m-%dT%H:%M:%SZ}",
        days(int((end - start).total_seconds())),
        days(int(active)),
    ]


def _harmless(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text


def _written(rows: Sequence[Sequence[str]]) -> bytes:
    buffer = io.StringIO(newline="")
    csv.writer(buffer).writerows(rows)
    return buffer.getvalue().encode()
