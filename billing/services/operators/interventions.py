"""What operators ask of one subscription, whoever looks after it: a gateway, or they themselves."""

import uuid
from datetime import datetime

from billing.enums import OVER
from billing.errors import SubscriptionNotOpen
from billing.models import Subscription, SubscriptionChange
from billing.policies import SUBSCRIPTIONS_MANAGE
from billing.selectors.subscriptions import get_subscription
from billing.services.changes.acts import end_now, extend_trial
from billing.services.operators.subscriptions import cancel_subscription
from shared_apps.core.actors import Actor
from shared_apps.core.policies import require


def lengthen_trial(
    *, actor: Actor, subscription_id: uuid.UUID, until: datetime, reason: str
) -> SubscriptionChange:
    """Let the trial of a subscription last longer; see `extend_trial`.

    Raises:
        NotFound: no such subscription.
        SubscriptionNotOpen: it is over; one that followed it is not meant.
        TrialEndNotAllowed, NotManagedHere, PaymentsNotSetUp, ChangeUnderWay: see `extend_trial`.
    """
    subscription = _in_force(actor, subscription_id)
    return extend_trial(actor=actor, organization_id=subscription.organization_id, until=until, reason=reason)


def end_subscription(*, actor: Actor, subscription_id: uuid.UUID, reason: str) -> Subscription:
    """End a subscription now: at the gateway where it is billed, else here. Repeating it changes nothing.

    Nothing is paid back by itself. A gateway that does not answer in time is asked again by a job; the
    subscription is as it was until it did.

    Raises:
        NotFound: no such subscription.
        PaymentsNotSetUp, ChangeUnderWay: see `end_now`.
    """
    require(actor, SUBSCRIPTIONS_MANAGE)
    subscription = get_subscription(actor=actor, subscription_id=subscription_id)
    if subscription.status in OVER:
        return subscription
    if subscription.gateway_ref is None:
        return cancel_subscription(actor=actor, subscription_id=subscription_id, reason=reason)
    end_now(actor=actor, organization_id=subscription.organization_id, reason=reason)
    return get_subscription(actor=actor, subscription_id=subscription_id)


def _in_force(actor: Actor, subscription_id: uuid.UUID) -> Subscription:
    require(actor, SUBSCRIPTIONS_MANAGE)
    subscription = get_subscription(actor=actor, subscription_id=subscription_id)
    if subscription.status in OVER:
        raise SubscriptionNotOpen(status=str(subscription.status))
    return subscription
