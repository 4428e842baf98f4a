"""Who could own or work on a course. Memberships lie in a shared table, so the organization is named."""

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.db import connection

from shared_apps.core.actors import Role
from tenants.context import current_organization

_AUTHOR = """
SELECT p.id, p.user_id, m.role
  FROM people_member p
  JOIN accounts_membership m ON m.id = p.id AND m.organization_id = %(organization)s AND m.status = 'active'
 WHERE p.id = %(member)s OR p.email = %(email)s OR m.role = %(role)s
 ORDER BY m.id LIMIT 1
"""


_AUTHORS = """
SELECT p.id, p.user_id, m.role
  FROM people_member p
  JOIN accounts_membership m ON m.id = p.id AND m.organization_id = %(organization)s
 WHERE p.id = ANY(%(members)s::uuid[]) AND (m.status = 'active' OR NOT %(active_only)s)
"""


@dataclass(frozen=True, slots=True)
class Author:
    """An active member."""

    member_id: uuid.UUID
    user_id: uuid.UUID
    role: Role


def find_author(*, member_id: uuid.UUID | None = None, email: str | None = None) -> Author | None:
    """Return the active member of that id or (normal) address, None without one."""
    return _find(member=member_id, email=email)


def find_authors(member_ids: Collection[uuid.UUID], *, active_only: bool = True) -> dict[uuid.UUID, Author]:
    """Return the members of these ids, by id, in one query; `active_only=False` for those as well who were
    suspended or removed."""
    names: dict[str, Any] = {
        "organization": current_organization().id,
        "members": list(member_ids),
        "active_only": active_only,
    }
    with connection.cursor() as cursor:
        cursor.execute(_AUTHORS, names)
        return {row[0]: Author(row[0], row[1], Role(row[2])) for row in cursor.fetchall()}


def find_first_owner() -> Author | None:
    """Return the organization's longest-standing active owner, None when it has none."""
    return _find(role=Role.OWNER)


def _find(
    *, member: uuid.UUID | None = None, email: str | None = None, role: Role | None = None
) -> Author | None:
    names = {"organization": current_organization().id, "member": member, "email": email, "role": role}
    with connection.cursor() as cursor:
        cursor.execute(_AUTHOR, names)
        row = cursor.fetchone()
    return None if row is None else Author(row[0], row[1], Role(row[2]))
