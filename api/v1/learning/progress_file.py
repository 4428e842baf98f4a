"""Progress of a run as a file for a spreadsheet, learners by lessons, written as it is read: any length in
little memory, so that nobody waits for a job."""

import uuid
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from api.core.spreadsheets import csv_lines
from shared_apps.core.actors import Actor
from tenant_apps.learning.selectors.report import cells_of, columns_of
from tenant_apps.learning.selectors.roster import RosterFilter, get_roster
from tenants.context import in_organization
from tenants.scope import OrganizationRef

COLUMNS = ("name", "email", "department", "state", "attempt", "percent", "completed", "total", "last_access")
_ROWS_AT_ONCE = 200


def progress_lines(
    organization: OrganizationRef, actor: Actor, run_id: uuid.UUID, wanted: RosterFilter
) -> Iterator[bytes]:
    """Yield the file in parts: a line for each learner the actor sees, in the order they were enrolled; under
    each lesson when it was completed. Times in UTC.

    The server reads this after the request has left the organization, so each part enters it again.
    """
    after: uuid.UUID | None = None
    is_first = True
    while True:
        with in_organization(organization):
            roster = get_roster(actor=actor, run_id=run_id, wanted=wanted)
            if is_first:
                titles = [column["title"] for column in columns_of(roster.outline)]
            rows = roster.rows.filter(pk__gt=after) if after else roster.rows
            page = cells_of(roster, list(rows.order_by("id")[:_ROWS_AT_ONCE]))
        if is_first:
            yield csv_lines([[*COLUMNS, *titles]])
            is_first = False
        if not page:
            return
        yield csv_lines(_line(row) for row in page)
        after = page[-1]["id"]


def _line(row: dict[str, Any]) -> Sequence[object]:
    seen: datetime | None = row["last_accessed_at"]
    return [
        row["member_name"],
        row["member_email"],
        row["department"],
        row["state"],
        row["attempt"],
        row["percent"],
        row["completed"],
        row["total"],
        f"{seen:%Y-%m-%dT%H:%M:%SZ}" if seen else "",
        *row["completed_at_by_lesson"],
    ]
