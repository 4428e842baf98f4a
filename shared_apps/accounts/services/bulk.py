"""Steps that make many users and memberships with a fixed number of statements: what a roster needs.

Steps only: the service that reads the list opens the transaction, checks the policy and writes the audit log.
"""

import secrets
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX

from shared_apps.accounts.enums import MembershipStatus
from shared_apps.accounts.models import Membership, User
from shared_apps.core import clock
from shared_apps.core.actors import Role
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
    now = clock.now()
    by_email = {person.email: person for person in people}
    User.objects.bulk_create(
        [
            User(
                email=email,
                password=_unusable_password(),
                name=person.name[:200],
                timezone=person.timezone,
                language=person.language,
            )
            for email, person in sorted(by_email.items())
        ],
        ignore_conflicts=True,
    )
    users = dict(User.objects.filter(email__in=list(by_email)).order_by().values_list("email", "id"))
    memberships = Membership.objects.bulk_create(
        Membership(
            organization_id=organization_id,
            user_id=users[email],
            role=person.role,
            status=MembershipStatus.INVITED,
            created_at=now,
            updated_at=now,
        )
        for email, person in by_email.items()
    )
    return {
        email: Admitted(membership.user_id, membership.id)
        for email, membership in zip(by_email, memberships, strict=True)
    }


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


def _unusable_password() -> str:
    """Django's marker of "no password", without the forty random choices of its own, slow for thousands."""
    return UNUSABLE_PASSWORD_PREFIX + secrets.token_urlsafe(30)
