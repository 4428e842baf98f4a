"""Seats an operator gives on top of those that are billed or granted. No gateway hears of them."""

import uuid

from billing.enums import OVER
from billing.errors import SeatsInUse, SubscriptionNotOpen
from billing.models import Subscription
from billing.policies import SUBSCRIPTIONS_MANAGE
from billing.services.seats.ledger import because
from shared_apps.audit.services import do_record
from shared_apps.core.actors import Actor
from shared_apps.core.errors import NotFound
from shared_apps.core.policies import require
from shared_apps.core.transactions import entry_transaction


def comp_seats(*, actor: Actor, subscription_id: uuid.UUID, seats: int, reason: str) -> Subscription:
    """Set how many seats the organization has on top of those it pays for. Repeating it changes nothing.

    The plan's limits are for what is sold; seats that are given are outside of them.

    Args:
        seats: comped seats in all, 0 for none; not how many more.
        reason: why, for the audit log.

    Raises:
        NotFound: no such subscription.
        SubscriptionNotOpen: it is over.
        SeatsInUse: more are in use than would be left; facts `used`, `asked`, `to_release`.
    """
    with entry_transaction():
        require(actor, SUBSCRIPTIONS_MANAGE)
        subscription = (
            Subscription.objects.select_for_update(of=("self",), no_key=True)
            .select_related("plan")
            .filter(id=subscription_id)
            .first()
        )
        if subscription is None:
            raise NotFound(subscription=str(subscription_id))
        if subscription.status in OVER:
            raise SubscriptionNotOpen(status=str(subscription.status))
        before = subscription.comped
        if seats == before:
            return subscription
        _set(subscription, seats)
        with because("comp", actor_id=actor.user_id):
            subscription.save_fields("comped", "purchased", "pending_purchased", "billed_seats")
        do_record(
            actor=actor,
            action="subscriptions.comp_seats",
            organization_id=subscription.organization_id,
            target=subscription,
            changes={"comped": [before, seats], "reason": reason},
        )
    return subscription


def _set(subscription: Subscription, seats: int) -> None:
    """Move the numbers that hold comped seats: what there is, and what will be left after the period."""
    billed = subscription.purchased - subscription.comped
    if subscription.billed_seats is not None:  # fewer are billed than are held
        billed = subscription.billed_seats
    more = seats - subscription.comped
    left = billed + seats
    if subscription.pending_purchased is not None:
        left = min(left, subscription.pending_purchased + more)
    if more < 0 and left < subscription.used:
        raise SeatsInUse(
            field="seats", used=subscription.used, asked=seats, to_release=subscription.used - left
        )
    subscription.comped = seats
    subscription.purchased = max(billed + seats, subscription.used)
    if subscription.pending_purchased is not None:
        subscription.pending_purchased = max(subscription.pending_purchased + more, subscription.used)
    if billed + seats >= subscription.used:
        subscription.billed_seats = None
