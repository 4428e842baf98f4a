"""Other terms from the next period on: fewer seats, another plan or interval; and back again."""

import uuid
from collections.abc import Mapping

from billing.enums import CLAIMABLE, ChangeKind, ChangeState, Interval
from billing.errors import MoreSeatsNow, SubscriptionEnds
from billing.models import SubscriptionChange
from billing.policies import BILLING_MANAGE, require_in
from billing.services.changes.fit import require_fit
from billing.services.changes.making import make
from billing.services.changes.previewed import NOTHING_COUNTED, wanted_price
from billing.services.changes.rows import (
    billed,
    check_seats,
    do_insert,
    do_lock_changeable,
    do_refuse_under_way,
    require_gateway,
)
from billing.services.changes.settling import do_cap
from shared_apps.core.actors import Actor
from shared_apps.core.transactions import entry_transaction
from tenants.context import in_public


def schedule_terms(
    *,
    actor: Actor,
    organization_id: uuid.UUID,
    seats: int | None = None,
    plan_code: str | None = None,
    interval: Interval | None = None,
    in_use: Mapping[str, int] = NOTHING_COUNTED,
) -> SubscriptionChange:
    """Have other terms from the next period on. What is not named is as now, so naming nothing takes back
    what was planned. Nothing is charged or refunded; seats to be given up can no longer be claimed at once.

    The answer's state is `scheduled`, `withdrawn` when the terms are those of now, or `requested` when the
    gateway did not answer: a job goes on with it.

    Args:
        in_use: how much there is of what plans limit, see `require_fit`.

    Raises:
        SeatsInUse: more are in use; with whom to release.
        MoreSeatsNow: more seats than are billed.
        SeatsOutsidePlan, PriceNotOffered, PlanDoesNotFit: it cannot be had.
        SubscriptionEnds: there is no next period.
        ChangeUnderWay, NoSubscription, NotManagedHere, SubscriptionNotOpen, PaymentsNotSetUp: as for
            `preview_change`.
    """
    gateway = require_gateway()
    with in_public():
        with entry_transaction():
            require_in(actor, BILLING_MANAGE, organization_id)
            subscription = do_lock_changeable(organization_id, CLAIMABLE)
            do_refuse_under_way(subscription)
            if subscription.cancels_at is not None:
                raise SubscriptionEnds(ends_at=subscription.cancels_at.isoformat())
            price = wanted_price(subscription, plan_code, interval)
            wanted = billed(subscription) if seats is None else seats
            is_as_now = wanted == billed(subscription) and price.id == subscription.price_id
            if not is_as_now:
                check_seats(subscription, price.plan, wanted)
                if wanted > billed(subscription):
                    raise MoreSeatsNow(field="seats", seats=billed(subscription))
                if price.plan_id != subscription.plan_id:
                    require_fit(organization_id, price.plan, in_use)
            is_nothing = is_as_now and not subscription.schedule_ref
            change = SubscriptionChange(
                organization_id=organization_id,
                subscription=subscription,
                kind=ChangeKind.PERIOD_END,
                state=ChangeState.WITHDRAWN if is_nothing else ChangeState.REQUESTED,
                from_seats=billed(subscription),
                to_seats=wanted,
                to_price=price if price.id != subscription.price_id else None,
                requested_by_id=actor.user_id,
            )
            do_insert(actor=actor, change=change, plan=price.plan.code, interval=str(price.interval))
            do_cap(subscription)
        return change if is_nothing else make(gateway, change)


def schedule_seats(*, actor: Actor, organization_id: uuid.UUID, seats: int) -> SubscriptionChange:
    """Have fewer seats from the next period on; see `schedule_terms`."""
    return schedule_terms(actor=actor, organization_id=organization_id, seats=seats)
