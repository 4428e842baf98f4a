"""End a subscription and keep it after all, pause and resume it, lower its price by a code, lengthen a trial.

None of these needs a preview: nothing is charged but by resuming, which begins a new period at the price that
is on the subscription. A suspension by an operator is none of these: it closes the organization's doors and
leaves money alone, so the subscription goes on and is charged until somebody ends it.
"""

import uuid
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from billing.enums import CLAIMABLE, CancelReason, ChangeKind, ChangeState, SubscriptionStatus
from billing.errors import TrialEndNotAllowed
from billing.gateways.stripe_gateway import stripe_gateway
from billing.locks import lock_live_subscription
from billing.models import PlanPrice, Subscription, SubscriptionChange
from billing.policies import BILLING_MANAGE, SUBSCRIPTIONS_MANAGE, require_in
from billing.selectors.promotions import usable_promotion_ref
from billing.services.changes.making import make
from billing.services.changes.rows import (
    MAKE,
    billed,
    do_insert,
    do_lock_changeable,
    do_refuse_under_way,
    require_gateway,
)
from shared_apps.core import clock
from shared_apps.core.actors import Actor
from shared_apps.core.jobs import enqueue
from shared_apps.core.policies import Rule, require
from shared_apps.core.transactions import entry_transaction, require_transaction
from tenants.context import in_public

_LONGEST_TRIAL = timedelta(days=730)
_LIVE = frozenset(
    {
        SubscriptionStatus.TRIALING,
        SubscriptionStatus.ACTIVE,
        SubscriptionStatus.PAST_DUE,
        SubscriptionStatus.UNPAID,
        SubscriptionStatus.PAUSED,
    }
)


def cancel_at_period_end(
    *, actor: Actor, organization_id: uuid.UUID, reason: CancelReason | None = None, comment: str = ""
) -> SubscriptionChange:
    """Have the subscription end with the time that is paid for; until then nothing is lost. What was planned
    for the next period is withdrawn.

    Raises:
        NoSubscription, NotManagedHere, SubscriptionNotOpen, PaymentsNotSetUp, ChangeUnderWay: see
            `preview_change`.
    """
    facts: dict[str, Any] = {"reason": str(reason or ""), "comment": comment}
    return _ask(actor, organization_id, ChangeKind.CANCEL, _LIVE, **facts)


def keep_subscription(*, actor: Actor, organization_id: uuid.UUID) -> SubscriptionChange:
    """Let a subscription go on that was to end with its period. Safe to repeat.

    Raises:
        See `cancel_at_period_end`.
    """
    return _ask(actor, organization_id, ChangeKind.KEEP, _LIVE)


def pause_subscription(
    *, actor: Actor, organization_id: uuid.UUID, reason: str = "", comment: str = ""
) -> SubscriptionChange:
    """Stop paying and using for a while: people can read, seats stay with their holders, and what was paid
    and is not used becomes a credit. What was planned for the next period is withdrawn.

    Raises:
        SubscriptionNotOpen: only an active one, or a trial, can be paused.
        NoSubscription, NotManagedHere, PaymentsNotSetUp, ChangeUnderWay: see `preview_change`.
    """
    return _ask(actor, organization_id, ChangeKind.PAUSE, CLAIMABLE, reason=reason, comment=comment)


def resume_subscription(*, actor: Actor, organization_id: uuid.UUID) -> SubscriptionChange:
    """Begin a new period now, and charge it. With a declined card it stays paused: the answer's state is
    `unpaid` and its facts say where the invoice can be paid, upon which it goes on.

    Raises:
        SubscriptionNotOpen: it is not paused.
        NoSubscription, NotManagedHere, PaymentsNotSetUp, ChangeUnderWay: see `preview_change`.
    """
    return _ask(actor, organization_id, ChangeKind.RESUME, {SubscriptionStatus.PAUSED})


def redeem_promotion(*, actor: Actor, organization_id: uuid.UUID, code: str) -> SubscriptionChange:
    """Lower the next invoices by a promotion code; it takes the place of one that was on the subscription.

    Raises:
        PromotionNotValid: unknown, over, or not for this plan or currency. One that the gateway finds used up
            is a change that failed with the problem `promotion_not_valid`.
        NoSubscription, NotManagedHere, SubscriptionNotOpen, PaymentsNotSetUp, ChangeUnderWay: see
            `preview_change`.
    """
    gateway = require_gateway()
    with in_public():
        with entry_transaction():
            require_in(actor, BILLING_MANAGE, organization_id)
            subscription = do_lock_changeable(organization_id, CLAIMABLE)
            do_refuse_under_way(subscription)
            assert subscription.price_id is not None  # noqa: S101  `do_lock_changeable` looked
            price = PlanPrice.objects.get(id=subscription.price_id)
            ref = usable_promotion_ref(code, price=price, organization_id=organization_id, field="code")
            facts = {"code": code.upper(), "promotion_ref": ref}
            change = _do_request(actor, subscription, ChangeKind.DISCOUNT, facts=facts)
        return make(gateway, change)


def extend_trial(
    *, actor: Actor, organization_id: uuid.UUID, until: datetime, reason: str = ""
) -> SubscriptionChange:
    """Let a trial last longer: an act of the platform's operators.

    Args:
        until: aware; after the present end, within two years.
        reason: why, for the list of changes and the audit log.

    Raises:
        TrialEndNotAllowed: facts `trial_ends_at`.
        SubscriptionNotOpen: it is no trial.
        NoSubscription, NotManagedHere, PaymentsNotSetUp, ChangeUnderWay: see `preview_change`.
    """
    gateway = require_gateway()
    wanted = until.replace(microsecond=0)
    with in_public():
        with entry_transaction():
            require(actor, SUBSCRIPTIONS_MANAGE)
            subscription = do_lock_changeable(organization_id, {SubscriptionStatus.TRIALING})
            do_refuse_under_way(subscription)
            end = subscription.trial_ends_at
            if not max(end or wanted, clock.now()) < wanted <= clock.now() + _LONGEST_TRIAL:
                told = end.isoformat() if end else None
                raise TrialEndNotAllowed(field="until", trial_ends_at=told)
            facts = {"trial_end": wanted.isoformat()}
            change = _do_request(
                actor, subscription, ChangeKind.EXTEND_TRIAL, facts=facts, comment=reason[:500]
            )
        return make(gateway, change)


def end_now(*, actor: Actor, organization_id: uuid.UUID, reason: str = "") -> SubscriptionChange:
    """End a paid subscription at once: an act of the platform's operators. Nothing is paid back by itself.

    Raises:
        NoSubscription, NotManagedHere, PaymentsNotSetUp, ChangeUnderWay: see `preview_change`.
    """
    return _ask(
        actor, organization_id, ChangeKind.END, _LIVE, rule=SUBSCRIPTIONS_MANAGE, comment=reason[:500]
    )


def do_end_at_gateway(*, actor: Actor, subscription: Subscription) -> SubscriptionChange | None:
    """Have the gateway end a subscription that was just ended here, once this transaction commits, so that
    nobody is charged for it any more; None for one that an operator gave.

    A change that is on its way is superseded: whatever becomes of it at the gateway, the end comes after.
    """
    require_transaction()
    if subscription.gateway_ref is None:
        return None
    SubscriptionChange.objects.filter(subscription=subscription, state=ChangeState.REQUESTED).exclude(
        kind=ChangeKind.END
    ).update(state=ChangeState.FAILED, problem="superseded", updated_at=clock.now())
    ending = SubscriptionChange.objects.filter(
        subscription=subscription, kind=ChangeKind.END, state=ChangeState.REQUESTED
    ).first()
    change = ending or _do_request(actor, subscription, ChangeKind.END)
    enqueue(MAKE, organization_id=None, change_id=change.id)
    return change


def do_end_with_period(*, actor: Actor, organization_id: uuid.UUID) -> bool:
    """Have the subscription of an organization whose doors close end with the time that is paid for, once
    this transaction commits: nobody is charged for another period behind closed doors. Tell whether it ends
    by this; False where there is none, or it was to end anyway.

    Raises:
        ChangeUnderWay: another change is on its way; try again when it is made.
    """
    require_transaction()
    subscription = lock_live_subscription(organization_id)
    if subscription is None or not _is_paid_here(subscription) or subscription.cancels_at is not None:
        return False
    _do_request_later(actor, subscription, ChangeKind.CANCEL)
    return True


def do_keep_after_all(*, actor: Actor, organization_id: uuid.UUID) -> None:
    """Let a subscription that `do_end_with_period` had end go on, once this transaction commits; nothing
    where it is over by now.

    Raises:
        ChangeUnderWay: another change is on its way; try again when it is made.
    """
    require_transaction()
    subscription = lock_live_subscription(organization_id)
    if subscription is not None and _is_paid_here(subscription):
        _do_request_later(actor, subscription, ChangeKind.KEEP)


# --- Inside ------------------------------------------------------------------------------------


def _ask(
    actor: Actor,
    organization_id: uuid.UUID,
    kind: ChangeKind,
    statuses: Collection[str],
    *,
    rule: Rule = BILLING_MANAGE,
    **facts: Any,
) -> SubscriptionChange:
    gateway = require_gateway()
    with in_public():
        with entry_transaction():
            require_in(actor, rule, organization_id)
            subscription = do_lock_changeable(organization_id, statuses)
            do_refuse_under_way(subscription)
            change = _do_request(actor, subscription, kind, **facts)
        return make(gateway, change)


def _is_paid_here(subscription: Subscription) -> bool:
    is_known = subscription.gateway_ref is not None and stripe_gateway() is not None
    return is_known and subscription.status in _LIVE


def _do_request_later(actor: Actor, subscription: Subscription, kind: ChangeKind) -> None:
    change = _do_request(actor, subscription, kind)
    enqueue(MAKE, organization_id=None, change_id=change.id)


def _do_request(
    actor: Actor, subscription: Subscription, kind: ChangeKind, **facts: Any
) -> SubscriptionChange:
    seats = billed(subscription)
    change = SubscriptionChange(
        organization_id=subscription.organization_id,
        subscription=subscription,
        kind=kind,
        from_seats=seats,
        to_seats=seats,
        requested_by_id=actor.user_id,
        **facts,
    )
    do_insert(actor=actor, change=change, **{name: value for name, value in facts.items() if value})
    return change
