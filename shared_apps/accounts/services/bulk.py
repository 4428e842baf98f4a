"""Steps that make many users and memberships with a fixed number of statements: what a roster needs.

Steps only: the service that reads the list opens the transaction, checks the policy and writes the audit log.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db import connection

from shared_apps.accounts.models import Membership
from shared_apps.core import clock
from shared_apps.core.actors import Role
from shared_apps.core.ids import new_id
from shared_apps.core.transactions import require_transaction


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
    people = sorted({person.email: person for person in people}.values(), key=lambda person: person.email)
    with connection.cursor() as cursor:
        # A login made elsewhere is out of a tenant's sight; the function finds it and tells its id.
        cursor.execute(
            "SELECT email, user_id, membership_id"
            "  FROM public.tenant_admit_people(%s, %s, %s::uuid[], %s::uuid[], %s::text[], %s::text[],"
            "                                  %s::text[], %s::text[], %s::text[])",
            [
                organization_id,
                clock.now(),
                [new_id() for _ in people],
                [new_id() for _ in people],
                [person.email for person in people],
                [person.name[:200] for person in people],
                [person.timezone for person in people],
                [person.language for person in people],
                [person.role.value for person in people],
            ],
        )
        return {email: Admitted(user_id, membership_id) for email, user_id, membership_id in cursor}


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
