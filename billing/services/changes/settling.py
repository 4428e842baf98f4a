"""What becomes of open changes when the subscription was mirrored, and which seats they keep from claims."""

import uuid

from billing.enums import OVER, ChangeKind, ChangeState, SubscriptionStatus
from billing.models import PlanPrice, Subscription, SubscriptionChange
from shared_apps.core.transactions import require_transaction

_OPEN = (ChangeState.REQUESTED, ChangeState.UNPAID, ChangeState.SCHEDULED)
_CAPPING = (ChangeKind.NOW, ChangeKind.PERIOD_END)
# What replaces a plan for the end of the period: the schedule is taken off at the gateway before.
REPLACING = frozenset(
    {ChangeKind.NOW, ChangeKind.PERIOD_END, ChangeKind.CANCEL, ChangeKind.PAUSE, ChangeKind.END}
)


def do_settle_changes(subscription: Subscription) -> None:
    """Bring the open changes of a locked subscription to what its row, as just mirrored, says.

    One that waited for its payment is confirmed once the new number is there, and failed once the gateway
    gave it up; one that was planned is confirmed once it came about, and withdrawn once its schedule is gone.
    """
    require_transaction()
    rows = SubscriptionChange.objects.select_for_update(no_key=True, of=("self",))
    changes = list(
        rows.select_related("to_price").filter(subscription=subscription, state__in=_OPEN).order_by("id")
    )
    for change in changes:
        state, problem = _outcome(change, subscription)
        if state != change.state:
            change.state, change.problem = state, problem
            change.save_fields("state", "problem")
    _set_cap(subscription, changes)


def do_cap(subscription: Subscription) -> None:
    """Keep the seats that are to be given up from being claimed; call after a change was written down."""
    require_transaction()
    _set_cap(
        subscription, list(SubscriptionChange.objects.filter(subscription=subscription, state__in=_OPEN))
    )


def do_withdraw_planned(change: SubscriptionChange) -> None:
    """Mark what was planned before withdrawn, once a change that replaces it was made."""
    require_transaction()
    if change.kind in REPLACING:
        planned = SubscriptionChange.objects.filter(
            subscription_id=change.subscription_id, state=ChangeState.SCHEDULED
        ).exclude(id=change.id)
        planned.update(state=ChangeState.WITHDRAWN)


def is_ending(subscription_id: uuid.UUID) -> bool:
    """Tell whether we ended the subscription and the gateway is still to hear of it: until then what it says
    does not bring the subscription back."""
    return SubscriptionChange.objects.filter(
        subscription_id=subscription_id, kind=ChangeKind.END, state=ChangeState.REQUESTED
    ).exists()


def is_there(change: SubscriptionChange, *, seats: int, price: PlanPrice | None) -> bool:
    """Tell whether a subscription with this many billed seats at this price is what the change asks for."""
    return seats == change.to_seats and (change.to_price_id is None or change.to_price == price)


def _outcome(change: SubscriptionChange, subscription: Subscription) -> tuple[ChangeState, str]:
    state = ChangeState(change.state)
    seats = subscription.purchased - subscription.comped
    if subscription.billed_seats is not None:
        seats = subscription.billed_seats
    has_come = is_there(change, seats=seats, price=subscription.price)
    is_over = subscription.status in OVER
    match state:
        case ChangeState.SCHEDULED if has_come and not is_over:
            return ChangeState.CONFIRMED, ""
        case ChangeState.SCHEDULED if is_over or not subscription.schedule_ref:
            return ChangeState.WITHDRAWN, ""
        case ChangeState.UNPAID if is_over:
            return ChangeState.FAILED, "subscription_ended"
        case ChangeState.UNPAID if change.kind == ChangeKind.RESUME:
            is_paused = subscription.status == SubscriptionStatus.PAUSED
            return (ChangeState.UNPAID if is_paused else ChangeState.CONFIRMED), ""
        case ChangeState.UNPAID if subscription.unpaid_purchased is None:
            return (ChangeState.CONFIRMED, "") if has_come else (ChangeState.FAILED, "payment_lapsed")
        case _:
            return state, change.problem


def _set_cap(subscription: Subscription, changes: list[SubscriptionChange]) -> None:
    left = [
        change.to_seats + subscription.comped
        for change in changes
        if change.kind in _CAPPING and change.state in (ChangeState.REQUESTED, ChangeState.SCHEDULED)
    ]
    cap: int | None = min([each for each in left if each < subscription.purchased], default=None)
    if cap is not None:
        cap = max(cap, subscription.used)  # seats in use are never taken, whatever was given back since
    if subscription.pending_purchased != cap:
        subscription.pending_purchased = cap
        subscription.save_fields("pending_purchased")
