"""The history of seats as a file for a spreadsheet, written as it is read: any length in little memory."""

import csv
import io
from collections.abc import Iterator, Sequence

from billing.models import SeatAssignment
from billing.selectors.seat_acts import history_page
from tenants.context import in_organization
from tenants.scope import OrganizationRef

COLUMNS = (
    "seat_id",
    "member_id",
    "email",
    "state",
    "assigned_at",
    "activated_at",
    "revoked_at",
    "ending",
    "revoked_reason",
    "assigned_by_id",
    "revoked_by_id",
    "given_in_id",
    "taken_in_id",
    "follows_id",
)
_ROWS_AT_ONCE = 2000
# What a spreadsheet takes for a formula at the start of a cell.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def history_lines(organization: OrganizationRef) -> Iterator[bytes]:
    """Yield the file in parts: every holding there was, oldest first, times in UTC.

    The server reads this after the request has left the organization, so each part enters it again.
    """
    yield _written([COLUMNS])
    after = None
    while True:
        with in_organization(organization):
            page = history_page(organization_id=organization.id, after=after, most=_ROWS_AT_ONCE)
        if not page:
            return
        yield _written([_row(seat) for seat in page])
        after = page[-1].id


def _row(seat: SeatAssignment) -> list[str]:
    instants = (seat.created_at, seat.activated_at, seat.revoked_at)
    assigned, activated, revoked = (f"{at:%Y-%m-%dT%H:%M:%SZ}" if at else "" for at in instants)
    texts = [seat.id, seat.membership_id, seat.membership.user.email, seat.state]
    texts += [assigned, activated, revoked, seat.ending, seat.revoked_reason]
    texts += [seat.assigned_by_id, seat.revoked_by_id, seat.given_in_id, seat.taken_in_id, seat.follows_id]
    return [_harmless("" if text is None else str(text)) for text in texts]


def _harmless(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text


def _written(rows: Sequence[Sequence[str]]) -> bytes:
    buffer = io.StringIO(newline="")
    csv.writer(buffer).writerows(rows)
    return buffer.getvalue().encode()
