"""Actors for tests that call services directly."""

from shared_apps.accounts.models import Membership
from shared_apps.core.actors import Actor, ActorKind, Role


def actor_as(membership: Membership) -> Actor:
    """Return the actor that a sign-in of the membership gives."""
    return Actor(
        kind=ActorKind.MEMBER,
        user_id=membership.user_id,
        membership_id=membership.id,
        organization_id=membership.organization_id,
        role=Role(membership.role),
        label="a test",
    )
