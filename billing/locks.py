"""The one lock of billing: the live subscription's row, taken first by every seat command."""

import uuid

from billing.enums import OVER
from billing.models import Subscription


def lock_live_subscription(organization_id: uuid.UUID) -> Subscription | None:
    """Return the organization's live subscription, locked until the transaction ends; None without one.

    Taking it first makes claims, revokes, reassigns and resizes of one organization wait for each other
    instead of deadlocking. There is one row at most, by a unique constraint.

    FOR NO KEY UPDATE: the checks of foreign keys to the row go on beside it, and two of them at once do not
    leave a list of lockers for everybody after to read.
    """
    return (
        Subscription.objects.select_for_update(of=("self",), no_key=True)
        .filter(organization_id=organization_id)
        .exclude(status__in=OVER)
        .first()
    )
