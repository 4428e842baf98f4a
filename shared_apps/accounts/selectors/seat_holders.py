"""Which memberships may hold a seat: asked by billing, which doesn't read our tables."""

import uuid
from collections.abc import Iterable

from shared_apps.accounts.enums import MembershipStatus
from shared_apps.accounts.models import Membership


def may_hold_seats(
    *, organization_id: uuid.UUID, membership_ids: Iterable[uuid.UUID]
) -> dict[uuid.UUID, bool]:
    """Return the memberships of the organization that may be given a seat, each with "has joined already".

    Suspended, removed, unknown and other organizations' memberships are left out.
    """
    rows = Membership.objects.filter(
        organization_id=organization_id,
        id__in=list(membership_ids),
        status__in=(MembershipStatus.INVITED, MembershipStatus.ACTIVE),
    ).values_list("id", "status")
    return {identifier: status == MembershipStatus.ACTIVE for identifier, status in rows}
