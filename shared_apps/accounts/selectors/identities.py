"""Who somebody is on a host."""

import uuid

from allauth.account.models import EmailAddress
from django.db.models import Q

from shared_apps.accounts.enums import MembershipStatus
from shared_apps.accounts.models import Membership, User
from shared_apps.accounts.types import Identity
from shared_apps.core.actors import Actor, Role
from shared_apps.core.errors import Unauthenticated


def identity_of(user: User, membership: Membership | None) -> Identity:
    """Return the identity from rows already read; without membership it is the platform host's."""
    return Identity(
        user_id=user.id,
        email=user.email,
        name=user.name,
        timezone=user.timezone,
        language=user.language,
        is_operator=user.is_staff and membership is None,
        membership_id=membership.id if membership else None,
        role=Role(membership.role) if membership else None,
    )


def get_identity(*, actor: Actor) -> Identity:
    """Return who the actor is.

    Raises:
        Unauthenticated: the actor is no person.
    """
    user = User.objects.filter(pk=actor.user_id).first() if actor.user_id else None
    if user is None:
        raise Unauthenticated
    membership = None
    if actor.membership_id is not None:
        here = Q(organization_id=actor.organization_id)
        # Behind an operator's entry there is none.
        membership = Membership.objects.filter(here, pk=actor.membership_id).first()
    return identity_of(user, membership)


def find_active_membership(*, user_id: uuid.UUID, organization_id: uuid.UUID) -> Membership | None:
    """Return the person's membership if it lets in; invited, suspended and removed ones do not."""
    return Membership.objects.filter(
        user_id=user_id, organization_id=organization_id, status=MembershipStatus.ACTIVE
    ).first()


def is_email_proved(user: User) -> bool:
    """Tell whether the person has shown to read mail at the account's address.

    Operators are made on the platform's own command line, which stands for the proof.
    """
    if user.is_staff:
        return True
    return bool(EmailAddress.objects.filter(user_id=user.id, email=user.email, verified=True).exists())
