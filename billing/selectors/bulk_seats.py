"""Who holds seats, for comparing lists."""

import uuid
from collections.abc import Collection

from billing.enums import SeatState
from billing.models import SeatAssignment


def read_seat_holders(
    *, organization_id: uuid.UUID, membership_ids: Collection[uuid.UUID] | None = None
) -> set[uuid.UUID]:
    """Return the memberships that hold a seat now, of all or of the given ones."""
    rows = SeatAssignment.objects.filter(organization_id=organization_id).exclude(state=SeatState.REVOKED)
    if membership_ids is not None:
        rows = rows.filter(membership_id__in=membership_ids)
    return set(rows.order_by().values_list("membership_id", flat=True))
