"""Who reports to whom, over the whole file: managers nobody knows, people who manage themselves, circles.

All three are warnings, and the person is taken without a manager: they can learn all the same, and whoever
guessed which line of a circle is the wrong one would be wrong as often as right.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from tenant_apps.rosters.parsing.cells import excerpt
from tenant_apps.rosters.parsing.types import RosterRow, RowIssue, Severity

_COLUMN = "manager_email"


class CheckedLines(NamedTuple):
    """The rows with unusable managers emptied, and what was found."""

    rows: list[RosterRow]
    issues: list[RowIssue]


def check_reporting_lines(
    rows: Sequence[RosterRow], *, known_emails: Collection[str], claimed_emails: Mapping[str, int]
) -> CheckedLines:
    """Check every row's manager against the accepted rows and the addresses the organization has.

    Circles are found among the rows of the file only; one that runs through people outside the file is known
    to whoever knows them. `known_emails` is normalised; `claimed_emails` names the row of each address in
    the file, to tell a manager whose row was refused from one who is nowhere.
    """
    managers = {person.email: person.manager_email for person in rows}
    circles = _find_people_in_circles(managers)
    checked: list[RosterRow] = []
    issues: list[RowIssue] = []
    for person in rows:
        manager = person.manager_email
        if not manager or (person.email not in circles and (manager in managers or manager in known_emails)):
            checked.append(person)
            continue
        issues.append(_describe(person, is_in_circle=person.email in circles, claimed_emails=claimed_emails))
        checked.append(replace(person, manager_email=""))
    return CheckedLines(checked, issues)


def _describe(person: RosterRow, *, is_in_circle: bool, claimed_emails: Mapping[str, int]) -> RowIssue:
    related_row = claimed_emails.get(person.manager_email)
    if person.manager_email == person.email:
        code, advice, related_row = "manager_self", "A person cannot be their own manager.", None
    elif is_in_circle:
        code, advice = (
            "manager_cycle",
            "The managers named from here lead back to this person; correct one of them.",
        )
    elif related_row is not None:
        code, advice = (
            "manager_unknown",
            f"The manager is row {related_row}, which was refused; correct that row.",
        )
    else:
        code, advice = "manager_unknown", "Nobody in this file or in the organization has this address."
    advice += " The person is taken without a manager."
    return RowIssue(
        person.row, _COLUMN, code, Severity.WARN, excerpt(person.manager_email), advice, related_row
    )


def _find_people_in_circles(managers: Mapping[str, str]) -> frozenset[str]:
    """Name everybody on a circle; who only reports into one is not on it. Each person is walked over once."""
    in_circle: set[str] = set()
    finished: set[str] = set()
    for start in managers:
        path: dict[str, int] = {}
        person = start
        while person in managers and person not in finished and person not in path:
            path[person] = len(path)
            person = managers[person]
        if person in path:
            in_circle.update(list(path)[path[person] :])
        finished.update(path)
    return frozenset(in_circle)
