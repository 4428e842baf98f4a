"""Make a plan from an uploaded list: everything is compared and shown, nothing of it happens yet."""

import hashlib
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any, Protocol

import orjson
from django.conf import settings

from billing.selectors.seats import seats_free
from shared_apps.audit.services import do_record
from shared_apps.core import clock
from shared_apps.core.actors import Actor
from shared_apps.core.copying import do_copy_rows
from shared_apps.core.policies import may, require
from shared_apps.core.transactions import entry_transaction
from tenant_apps.people.policies import MANAGE_ADMINS
from tenant_apps.rosters.enums import RowAction, RowResult
from tenant_apps.rosters.errors import UnknownRun
from tenant_apps.rosters.models import RosterImport
from tenant_apps.rosters.models import RosterRow as StoredRow
from tenant_apps.rosters.parsing import (
    FileTooLarge,
    ParsedRoster,
    RosterLimits,
    RosterRow,
    RowIssue,
    read_roster,
)
from tenant_apps.rosters.parsing.cells import excerpt
from tenant_apps.rosters.parsing.types import Severity
from tenant_apps.rosters.policies import IMPORT
from tenant_apps.rosters.selectors.known import Known, read_known
from tenant_apps.rosters.services.comparing import Comparer, spelled_as_known
from tenant_apps.rosters.services.verdicts import RosterOptions, Verdict
from tenants.context import current_organization

# As the columns of the tables are wide; a longer cell is a finding, not a database error.
_MAX_CHARACTERS = {
    "employee_id": 64,
    "email": 254,
    "first_name": 100,
    "last_name": 100,
    "job_title": 150,
    "department": 150,
    "manager_email": 254,
    "location": 150,
    "timezone": 64,
    "language": 35,
    "start_date": 40,
    "role": 64,
    "cohort": 120,
}
PlannedRow = tuple[int, RosterRow | None, Verdict, Sequence[RowIssue]]


def limits() -> RosterLimits:
    """Return the bounds on an upload that the settings give."""
    return RosterLimits(
        max_bytes=settings.MAX_ROSTER_BYTES,
        max_rows=settings.MAX_ROSTER_ROWS,
        max_characters=_MAX_CHARACTERS,
    )


class Readable(Protocol):
    """An upload."""

    def read(self) -> bytes:
        """Return all of its bytes."""
        ...


def read_upload(upload: Readable, *, size: int) -> bytes:
    """Return the content of an upload, after a look at its size in bytes.

    Raises:
        FileTooLarge: it is larger than MAX_ROSTER_BYTES; it was not read into memory.
    """
    if size > settings.MAX_ROSTER_BYTES:
        raise FileTooLarge(size_bytes=size, max_bytes=settings.MAX_ROSTER_BYTES)
    return upload.read()


def plan_roster(*, actor: Actor, content: bytes, file_name: str, options: RosterOptions) -> RosterImport:
    """Read the list, compare it with the organization, and keep the plan with its rows.

    Only the plan is written (and the audit log says who made it); no person, seat or cohort is touched.

    Raises:
        RosterFileError: the file as a whole cannot be read; see `parsing.errors`.
        UnknownRun: the options name a run that is not there.
    """
    with entry_transaction():
        require(actor, IMPORT)
        organization_id = current_organization().id
        known = read_known(organization_id=organization_id, run_id=options.run_id)
        if options.run_id is not None and options.run_id not in known.room:
            raise UnknownRun(field="run_id", run_id=str(options.run_id))
        parsed = read_roster(
            content,
            known_emails=known.by_email,
            known_cohorts=None if options.create_cohorts else [c.name for c in known.cohorts.values()],
            limits=limits(),
        )
        planned = list(_plan_rows(parsed, known, options, actor))
        roster = RosterImport.objects.create(
            file_name=_printable(file_name)[-200:],
            file_sha256=hashlib.sha256(content).hexdigest(),
            file_size=len(content),
            encoding=parsed.encoding,
            delimiter=parsed.delimiter,
            columns={column: _printable(header) for column, header in parsed.columns.items()},
            ignored_columns=[_printable(header) for header in parsed.ignored_columns],
            options=options.to_json(),
            counts=_count(planned),
            seats_needed=sum(verdict.needs_seat for _, _, verdict, _ in planned),
            seats_free=seats_free(organization_id=organization_id),
            uploaded_by_id=actor.membership_id,
        )
        _copy_rows(roster.id, planned, clock.now())
        do_record(
            actor=actor,
            action="rosters.import",
            organization_id=organization_id,
            target=roster,
            changes={"file": roster.file_name, "sha256": roster.file_sha256, "counts": roster.counts},
        )
    return roster


def _plan_rows(
    parsed: ParsedRoster, known: Known, options: RosterOptions, actor: Actor
) -> Iterator[PlannedRow]:
    """Give every row of the file in order: the readable ones compared, the others refused as they are."""
    comparer = Comparer(
        known, options, uploader_id=actor.membership_id, may_make_admins=may(actor, MANAGE_ADMINS)
    )
    spell = spelled_as_known(known)
    readable = {row.row: row for row in parsed.rows}
    issues: dict[int, list[RowIssue]] = {}
    for issue in parsed.issues:
        issues.setdefault(issue.row, []).append(issue)
    for number in sorted(readable.keys() | issues.keys()):
        row, found = readable.get(number), issues.get(number, [])
        if row is None:
            yield number, None, Verdict(RowAction.REFUSE), found
            continue
        row = replace(row, cohort=spell(row.cohort)) if row.cohort else row
        verdict = comparer.compare(row)
        if verdict.refusal is not None:
            refusal = verdict.refusal
            found = [
                *found,
                RowIssue(
                    number,
                    refusal.column,
                    refusal.code,
                    Severity.REFUSE,
                    excerpt(refusal.value),
                    refusal.advice,
                ),
            ]
        yield number, row, verdict, found


def _count(planned: Sequence[PlannedRow]) -> dict[str, int]:
    actions = Counter(verdict.action for _, _, verdict, _ in planned)
    warned = sum(verdict.action != RowAction.REFUSE and bool(issues) for _, _, verdict, issues in planned)
    return {
        "rows": len(planned),
        **{str(action): actions[action] for action in RowAction},
        "warned": warned,
    }


def _copy_rows(roster_id: uuid.UUID, planned: Sequence[PlannedRow], now: datetime) -> None:
    """Store the rows of the plan."""
    do_copy_rows(
        StoredRow,
        (
            *("roster", "number", "created_at", "updated_at", "action", "values", "changes", "issues"),
            *("result", "result_code", "member_id"),
        ),
        (
            (
                roster_id,
                number,
                now,
                now,
                verdict.action.value,
                _json(_values_of(row)),
                _json(verdict.changes),
                _json([_issue_json(issue) for issue in issues]),
                RowResult.PENDING.value,
                "",
                verdict.member_id,
            )
            for number, row, verdict, issues in planned
        ),
    )


def _values_of(row: RosterRow | None) -> dict[str, Any]:
    """Return what was understood of the row, empty cells left out; {} when nothing could be."""
    if row is None:
        return {}
    return {name: value for name, value in asdict(row).items() if value and name != "row"}


def _issue_json(issue: RowIssue) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "column": issue.column,
        "code": issue.code,
        "severity": str(issue.severity),
        "value": issue.value_excerpt,
        "advice": issue.advice,
    }
    if issue.related_row is not None:
        shown["related_row"] = issue.related_row
    return shown


def _printable(text: str) -> str:
    """Return the text with a dot for what nobody can see, NUL above all, which the database does not take."""
    return "".join(char if char.isprintable() else "\u00b7" for char in text)


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()
