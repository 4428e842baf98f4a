"""Whom to write to when something concerns a whole organization."""

import uuid
from collections.abc import Collection

from shared_apps.accounts.enums import MembershipStatus
from shared_apps.accounts.models import User
from shared_apps.core.actors import Role


def active_owners(*, organization_id: uuid.UUID) -> list[User]:
    """Return the owners of the organization who can sign in, the longest-standing first."""
    return active_with_roles(organization_id=organization_id, roles={Role.OWNER})


def active_with_roles(*, organization_id: uuid.UUID, roles: Collection[Role]) -> list[User]:
    """Return the people of these roles in the organization who can sign in, the longest-standing first."""
    return list(
        User.objects.filter(
            memberships__organization_id=organization_id,
            memberships__role__in=roles,
            memberships__status=MembershipStatus.ACTIVE,
            is_active=True,
        ).order_by("memberships__id")
    )
