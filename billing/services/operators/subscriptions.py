"""Give an organization seats, change their number, take them away: acts of the platform's operators."""

import uuid
from datetime import datetime

from django.db import IntegrityError, transaction

from billing.enums import SeatState, SubscriptionStatus
from billing.errors import (
    PlanNotOffered,
    SeatsInUse,
    SeatsOutsidePlan,
    SubscriptionExists,
    SubscriptionNotOpen,
)
from billing.locks import lock_live_subscription
from billing.models import Plan, SeatAssignment, Subscription
from billing.operator_errors import SeatsBilled
from billing.policies import SUBSCRIPTIONS_MANAGE
from billing.services.access.access import do_follow_access
from billing.services.changes.acts import do_end_at_gateway
from billing.services.customers.checkouts import do_end_pages
from billing.services.seats.seats import do_end_holdings
from shared_apps.audit.services import do_record
from shared_apps.core import clock
from shared_apps.core.actors import Actor
from shared_apps.core.errors import NotFound
from shared_apps.core.policies import require
from shared_apps.core.transactions import entry_transaction, require_transaction
from tenants.enums import OPEN_STATES, OrganizationState
from tenants.errors import IllegalMove
from tenants.services.organizations import do_change_state, get_locked


def grant_subscription(
    *,
    actor: Actor,
    organization_id: uuid.UUID,
    plan_code: str,
    seats: int,
    note: str = "",
    ends_at: datetime | None = None,
) -> Subscription:
    """Give the organization a live subscription without payment; an organization on trial becomes active.

    Args:
        seats: number of seats.
        note: why, for the operators.
        ends_at: from then on no new seats are given; None for no end.

    Raises:
        NotFound: no such organization or plan.
        IllegalMove: the organization is not open.
        PlanNotOffered: the plan is archived.
        SeatsOutsidePlan: the plan is not sold with so many seats.
        SubscriptionExists: there is a live one.
    """
    with entry_transaction():
        require(actor, SUBSCRIPTIONS_MANAGE)
        organization = get_locked(organization_id)
        if organization.state not in OPEN_STATES:
            raise IllegalMove(state=organization.state)
        plan = Plan.objects.filter(code=plan_code).first()
        if plan is None:
            raise NotFound(plan=plan_code)
        if not plan.is_active:
            raise PlanNotOffered(plan=plan_code)
        _check_seats(plan, seats)
        subscription = Subscription(
            organization=organization,
            plan=plan,
            purchased=seats,
            starts_at=clock.now(),
            ends_at=ends_at,
            granted_by_id=actor.user_id,
            note=note,
        )
        try:
            with transaction.atomic():
                subscription.save(force_insert=True)
        except IntegrityError as error:  # the unique constraint on live subscriptions
            raise SubscriptionExists(organization=str(organization_id)) from error
        if organization.state == OrganizationState.TRIAL:
            do_change_state(organization, OrganizationState.ACTIVE)
        do_follow_access(subscription)
        do_record(
            actor=actor,
            action="subscriptions.grant",
            organization_id=organization_id,
            target=subscription,
            changes={"plan": plan_code, "seats": seats, "note": note},
        )
    return subscription


def change_seats(*, actor: Actor, subscription_id: uuid.UUID, seats: int) -> Subscription:
    """Set the number of seats. The number in use is never cut: revoke seats first.

    Raises:
        NotFound: no such subscription.
        SubscriptionNotOpen: it is canceled.
        SeatsBilled: the organization pays for them at the gateway; an operator comps seats on top.
        SeatsInUse: facts `used` and `asked`.
        SeatsOutsidePlan: the plan is not sold with so many seats.
    """
    with entry_transaction():
        require(actor, SUBSCRIPTIONS_MANAGE)
        subscription = _lock(subscription_id)
        if subscription.status == SubscriptionStatus.CANCELED:
            raise SubscriptionNotOpen(status=subscription.status)
        before = subscription.purchased
        if seats == before:
            return subscription
        if subscription.gateway_ref is not None:
            raise SeatsBilled(billed=before - subscription.comped, comped=subscription.comped)
        _check_seats(subscription.plan, seats)
        if seats < subscription.used:
            raise SeatsInUse(field="seats", used=subscription.used, asked=seats)
        subscription.purchased = seats
        subscription.save_fields("purchased")
        do_record(
            actor=actor,
            action="subscriptions.change_seats",
            organization_id=subscription.organization_id,
            target=subscription,
            changes={"seats": [before, seats]},
        )
    return subscription


def cancel_subscription(*, actor: Actor, subscription_id: uuid.UUID, reason: str = "") -> Subscription:
    """End a subscription now; its seats are revoked and stay as history. Repeating it changes nothing.

    Raises:
        NotFound: no such subscription.
    """
    with entry_transaction():
        require(actor, SUBSCRIPTIONS_MANAGE)
        subscription = _lock(subscription_id)
        if subscription.status == SubscriptionStatus.CANCELED:
            return subscription
        _do_cancel(actor, subscription, reason)
    return subscription


def do_cancel_live_subscription(*, actor: Actor, organization_id: uuid.UUID) -> bool:
    """Cancel the live subscription of an organization that is being deleted, and close the page on which
    somebody could still buy one; return whether there was one."""
    require_transaction()
    do_end_pages(organization_id)
    subscription = lock_live_subscription(organization_id)
    if subscription is None:
        return False
    _do_cancel(actor, subscription, "organization deleted")
    return True


def _do_cancel(actor: Actor, subscription: Subscription, reason: str) -> None:
    live = list(SeatAssignment.objects.filter(subscription=subscription).exclude(state=SeatState.REVOKED))
    do_end_holdings(actor=actor, seats=live, reason="subscription canceled")
    status_before = subscription.status
    subscription.status = SubscriptionStatus.CANCELED
    subscription.canceled_at = clock.now()
    subscription.used = 0  # as the trigger has left it; not among the fields written
    subscription.save_fields("status", "canceled_at")
    do_end_at_gateway(actor=actor, subscription=subscription)
    do_follow_access(subscription, status_before=status_before)
    do_record(
        actor=actor,
        action="subscriptions.cancel",
        organization_id=subscription.organization_id,
        target=subscription,
        changes={"reason": reason, "seats_revoked": len(live)},
    )


def _lock(subscription_id: uuid.UUID) -> Subscription:
    subscription = (
        Subscription.objects.select_for_update(of=("self",))
        .select_related("plan")
        .filter(id=subscription_id)
        .first()
    )
    if subscription is None:
        raise NotFound(subscription=str(subscription_id))
    return subscription


def _check_seats(plan: Plan, seats: int) -> None:
    if not plan.min_seats <= seats <= plan.max_seats:
        raise SeatsOutsidePlan(field="seats", min_seats=plan.min_seats, max_seats=plan.max_seats, asked=seats)
