"""Rows of a plan read back from the table, and their results written into it."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection

from shared_apps.core import clock
from tenant_apps.rosters.enums import RowAction, RowResult
from tenant_apps.rosters.models import RosterRow as StoredRow
from tenant_apps.rosters.parsing import RosterRow

TO_APPLY = (RowAction.ADD, RowAction.CHANGE)


@dataclass(frozen=True, slots=True)
class PlannedRow:
    """A row as it was planned."""

    row: RosterRow
    action: RowAction
    changes: dict[str, list[Any]]


@dataclass(frozen=True, slots=True)
class RowOutcome:
    """What applying did with a row; `code` says why for a refusal."""

    number: int
    result: RowResult
    code: str = ""
    member_id: uuid.UUID | None = None


def read_pending(roster_id: uuid.UUID, *, after: int = 0, limit: int | None = None) -> list[PlannedRow]:
    """Return the rows that are to be applied and have no result yet, by number.

    Args:
        after: only rows with a greater number.
    """
    rows = (
        StoredRow.objects.filter(
            roster_id=roster_id, number__gt=after, action__in=TO_APPLY, result=RowResult.PENDING
        )
        .order_by("number")
        .values_list("number", "action", "values", "changes")
    )
    return [
        PlannedRow(_row_of(number, values), RowAction(action), changes)
        for number, action, values, changes in (rows if limit is None else rows[:limit])
    ]


def count_pending(roster_id: uuid.UUID) -> int:
    """Return how many rows wait to be applied."""
    return StoredRow.objects.filter(
        roster_id=roster_id, action__in=TO_APPLY, result=RowResult.PENDING
    ).count()


def write_outcomes(roster_id: uuid.UUID, outcomes: Iterable[RowOutcome]) -> None:
    """Write results of rows in one statement."""
    found = list(outcomes)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE rosters_rosterrow r
               SET result = o.result, result_code = o.code, updated_at = %s,
                   member_id = COALESCE(o.member_id, r.member_id)
              FROM unnest(%s::int[], %s::text[], %s::text[], %s::uuid[])
                   AS o (number, result, code, member_id)
             WHERE r.roster_id = %s AND r.number = o.number
            """,
            [
                clock.now(),
                [outcome.number for outcome in found],
                [str(outcome.result) for outcome in found],
                [outcome.code for outcome in found],
                [outcome.member_id for outcome in found],
                roster_id,
            ],
        )


def settle_untouched(roster_id: uuid.UUID) -> None:
    """Give skipped and refused rows of the plan their results; safe to repeat."""
    for action, result in ((RowAction.SKIP, RowResult.UNCHANGED), (RowAction.REFUSE, RowResult.REFUSED)):
        StoredRow.objects.filter(roster_id=roster_id, action=action, result=RowResult.PENDING).update(
            result=result, updated_at=clock.now()
        )


def read_lines(roster_id: uuid.UUID, *, after: int, limit: int) -> list[tuple[int, uuid.UUID, str]]:
    """Return (number, member id, manager's address) of applied rows that name a manager, by number."""
    rows = (
        StoredRow.objects.filter(
            roster_id=roster_id, number__gt=after, result=RowResult.DONE, values__has_key="manager_email"
        )
        .order_by("number")
        .values_list("number", "member_id", "values__manager_email")
    )
    return [(number, member_id, email) for number, member_id, email in rows[:limit] if member_id]


def _row_of(number: int, values: dict[str, Any]) -> RosterRow:
    known = dict(values)
    if "start_date" in known:
        known["start_date"] = date.fromisoformat(known["start_date"])
    return RosterRow(row=number, **known)
