"""In which zone a member lives: the one rule for deadlines, explanations and reports."""

import uuid
from collections.abc import Collection
from typing import Final

from django.db import connection

# For statements of other apps. The member's own choice counts before the company's, and the account's default
# is not a choice. Somebody whose account the organization cannot see has a zone too, hence the left join.
MEMBERS_WITH_ACCOUNTS: Final = "people_member m LEFT JOIN accounts_user u ON u.id = m.user_id"
MEMBER_ZONE: Final = "COALESCE(NULLIF(u.timezone, 'UTC'), NULLIF(m.timezone, ''), 'UTC')"

_ZONES = f"SELECT m.id, {MEMBER_ZONE} FROM {MEMBERS_WITH_ACCOUNTS} WHERE m.id = ANY(%s)"  # noqa: S608  our own text


def zones_of(member_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Return the IANA name of each member's zone, by member id; unknown ids are left out. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(_ZONES, [list(member_ids)])
        return dict(cursor.fetchall())
