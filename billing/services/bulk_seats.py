"""What a list of people needs to know of seats before it takes many at once."""

import uuid
from collections.abc import Collection

from billing.enums import SeatState
from billing.locks import lock_live_subscription
from billing.models import SeatAssignment
from billing.selectors.seats import seats_free
from shared_apps.core.transactions import require_transaction


def do_lock_free_seats(*, organization_id: uuid.UUID) -> int:
    """Lock the live subscription and return how many seats could be assigned until the commit; 0 without one.

    The lock comes before every other one of a bulk step, as in every seat command.
    """
    require_transaction()
    if lock_live_subscription(organization_id) is None:
        return 0
    return seats_free(organization_id=organization_id)


def read_seat_holders(
    *, organization_id: uuid.UUID, membership_ids: Collection[uuid.UUID] | None = None
) -> set[uuid.UUID]:
    """Return the memberships that hold a seat now, of all or of the given ones."""
    rows = SeatAssignment.objects.filter(organization_id=organization_id).exclude(state=SeatState.REVOKED)
    if membership_ids is not None:
        rows = rows.filter(membership_id__in=membership_ids)
    return set(rows.order_by().values_list("membership_id", flat=True))
