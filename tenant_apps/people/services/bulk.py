"""Steps that write many members with a fixed number of statements."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.db import connection

from shared_apps.core import clock
from shared_apps.core.copying import do_copy_rows
from shared_apps.core.transactions import require_transaction
from tenant_apps.people.models import Member

FACTS = (
    "employee_id",
    "first_name",
    "last_name",
    "job_title",
    "department",
    "location",
    "timezone",
    "language",
    "starts_on",
)

_NOTHING: Mapping[str, None] = {"starts_on": None}  # every other fact is text, absent as ""


@dataclass(frozen=True, slots=True)
class NewMember:
    """A member to be; `facts` holds what the company says of the person, by names of `FACTS`."""

    membership_id: uuid.UUID
    user_id: uuid.UUID
    email: str
    facts: Mapping[str, str | date | None] = field(default_factory=dict)


def do_add_members(members: Sequence[NewMember]) -> None:
    """Insert the members.

    Raises:
        IntegrityError: an address or employee id was taken since the caller looked; look again.
    """
    require_transaction()
    now = clock.now()
    do_copy_rows(
        Member,
        ("membership", "user", "created_at", "updated_at", "email", *FACTS),
        (
            (
                member.membership_id,
                member.user_id,
                now,
                now,
                member.email,
                *(member.facts.get(name, _NOTHING.get(name, "")) for name in FACTS),
            )
            for member in members
        ),
    )


def do_change_members(changes: Mapping[uuid.UUID, Mapping[str, str | date | None]]) -> None:
    """Write the given facts of each member; facts that are not named stay.

    One statement for each set of facts that occurs, so a new department for a thousand people is one.

    Raises:
        IntegrityError: an employee id was taken since the caller looked; look again.
    """
    require_transaction()
    groups: dict[tuple[str, ...], list[Member]] = {}
    now = clock.now()
    for member_id, facts in changes.items():
        if not facts:
            continue
        values: dict[str, Any] = {name: facts[name] for name in FACTS if name in facts}
        groups.setdefault(tuple(values), []).append(Member(membership_id=member_id, updated_at=now, **values))
    for names, members in groups.items():
        Member.objects.bulk_update(members, [*names, "updated_at"], batch_size=500)


def do_link_managers(lines: Iterable[tuple[uuid.UUID, str]]) -> int:
    """Set the manager of each member by the manager's address; return how many lines changed.

    A manager nobody knows changes nothing; a line that stands already is not written.
    """
    require_transaction()
    pairs = list(lines)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE people_member p
               SET manager_id = m.id, updated_at = %s
              FROM unnest(%s::uuid[], %s::text[]) AS line (member_id, manager_email)
              JOIN people_member m ON m.email = line.manager_email
             WHERE p.id = line.member_id AND p.manager_id IS DISTINCT FROM m.id AND m.id <> p.id
            """,
            [clock.now(), [pair[0] for pair in pairs], [pair[1] for pair in pairs]],
        )
        return int(cursor.rowcount)
