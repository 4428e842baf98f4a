"""What a list of people needs to know of seats before it takes many at once."""

import uuid

from billing.locks import lock_live_subscription
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
