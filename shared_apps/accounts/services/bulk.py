"""Steps that make many users and memberships with a fixed number of statements: what a roster needs.

Steps only: the service that reads the list opens the transaction, checks the policy and writes the audit log.
"""

import secrets
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.db import connection

from shared_apps.accounts.enums import MembershipStatus
from shared_apps.accounts.models import Membership, User
from shared_apps.core import clock
from shared_apps.core.actors import Role
from shared_apps.core.copying import do_copy_rows
from shared_apps.core.ids import new_id
from shared_apps.core.transactions import require_transaction

_INVITED = MembershipStatus.INVITED.value


@dataclass(frozen=True, slots=True)
class NewPerson:
    """Somebody to be invited.

    Attributes:
        email: in its normal form.
        timezone: IANA name; with `language` it fills the profile of a user made now, never of a known one.
    """

    email: str
    role: Role
    name: str = ""
    timezone: str = "UTC"
    language: str = "en"


@dataclass(frozen=True, slots=True)
class Admitted:
    """Who the person is now: the login identity and the membership."""

    user_id: uuid.UUID
    membership_id: uuid.UUID


def do_admit_people(*, organization_id: uuid.UUID, people: Sequence[NewPerson]) -> dict[str, Admitted]:
    """Make a user without password for each unknown address, and an invited membership for each person.

    A user another organization made, before or at this very moment, is taken as it is; the result does not
    tell which. Addresses are inserted in sorted order, so that two organizations with the same people wait
    for each other and never deadlock.

    Returns:
        for each address, user and membership.

    Raises:
        IntegrityError: somebody else made one of the memberships since the caller looked; look again.
    """
    require_transaction()
    now = clock.now()
    by_email = {person.email: person for person in people}
    _insert_unknown(by_email, now)
    users = dict(User.objects.filter(email__in=list(by_email)).order_by().values_list("email", "id"))
    admitted = {email: Admitted(users[email], new_id()) for email in by_email}
    do_copy_rows(
        Membership,
        ("id", "created_at", "updated_at", "organization", "user", "role", "status"),
        (
            (new.membership_id, now, now, organization_id, new.user_id, by_email[email].role.value, _INVITED)
            for email, new in admitted.items()
        ),
    )
    return admitted


def do_change_roles(*, organization_id: uuid.UUID, roles: Mapping[uuid.UUID, Role]) -> int:
    """Give each membership its new role, one statement for each role; return how many changed.

    Owners and administrators are left as they are: a list does not unmake those who run the organization.
    """
    require_transaction()
    changed = 0
    for role in sorted(set(roles.values())):
        changed += (
            Membership.objects.filter(
                organization_id=organization_id, id__in=[key for key, value in roles.items() if value == role]
            )
            .exclude(role__in=(Role.OWNER, Role.ADMIN))
            .update(role=role, updated_at=clock.now())
        )
    return changed


def _insert_unknown(people: Mapping[str, NewPerson], now: datetime) -> None:
    """Insert a user for each address that has none, in one statement and in sorted order."""
    new = [person for _, person in sorted(people.items())]
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO accounts_user (id, created_at, updated_at, email, password, name, timezone, language,
                                       is_active, is_staff, is_superuser, sign_in_epoch)
            SELECT id, %(now)s, %(now)s, email, password, name, timezone, language, true, false, false, 0
              FROM unnest(%(ids)s::uuid[], %(emails)s::text[], %(passwords)s::text[], %(names)s::text[],
                          %(timezones)s::text[], %(languages)s::text[])
                   WITH ORDINALITY AS new (id, email, password, name, timezone, language, place)
             ORDER BY place
                ON CONFLICT (email) DO NOTHING
            """,
            {
                "now": now,
                "ids": [new_id() for _ in new],
                "emails": [person.email for person in new],
                "passwords": [_unusable_password() for _ in new],
                "names": [person.name[:200] for person in new],
                "timezones": [person.timezone for person in new],
                "languages": [person.language for person in new],
            },
        )


def _unusable_password() -> str:
    """Django's marker of "no password", without the forty random choices of its own, slow for thousands."""
    return UNUSABLE_PASSWORD_PREFIX + secrets.token_urlsafe(30)
