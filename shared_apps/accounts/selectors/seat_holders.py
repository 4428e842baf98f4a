"""Which memberships may hold a seat: asked by billing, which doesn't read our tables."""

import uuid
from collections.abc import Iterable

from shared_apps.accounts.enums import MembershipStatus
from shared_apps.accounts.models import Membership
from shared_apps.core.ids import in_one_parameter


def may_hold_seats(
    *, organization_id: uuid.UUID, membership_ids: Iterable[uuid.UUID] | None
) -> dict[uuid.UUID, bool]:
    """Return the memberships of the organization that may be given a seat, each with "has joined already".

    Of the given ones, or of all, those here longest first.
    Suspended, removed, unknown and other organizations' memberships are left out.
    """
    rows = Membership.objects.filter(
        organization_id=organization_id, status__in=(MembershipStatus.INVITED, MembershipStatus.ACTIVE)
    )
    if membership_ids is not None:
        rows = rows.filter(id__in=in_one_parameter(membership_ids))
    found = rows.order_by("id").values_list("id", "status")
    return {identifier: status == MembershipStatus.ACTIVE for identifier, status in found}
