"""From the anonymous caller of a sign-in to the actor that the audit log names."""

from dataclasses import replace

from shared_apps.accounts.models import Membership, User
from shared_apps.core.actors import Actor, ActorKind, Role


def as_person(*, actor: Actor, user: User, membership: Membership | None) -> Actor:
    """Return the caller as who it has just proved to be, with its address and request id."""
    if membership is not None:
        kind = ActorKind.MEMBER
    else:
        kind = ActorKind.OPERATOR if user.is_staff else ActorKind.USER
    return replace(
        actor,
        kind=kind,
        user_id=user.id,
        membership_id=membership.id if membership else None,
        organization_id=membership.organization_id if membership else None,
        role=Role(membership.role) if membership else None,
        label=user.email,
    )
