"""Steps shared by everything that is asked of a subscription at the gateway."""

import uuid
from collections.abc import Collection
from typing import Any

from django.db import IntegrityError, transaction

from billing.enums import ChangeKind, ChangeState
from billing.errors import (
    CardDeclined,
    ChangeUnderWay,
    ChangeUnpaid,
    GatewayRefused,
    NoSubscription,
    NotManagedHere,
    PaymentsNotSetUp,
    PromotionNotValid,
    SeatsInUse,
    SeatsOutsidePlan,
    SubscriptionNotOpen,
)
from billing.gateways.stripe_gateway import StripeGateway, stripe_gateway
from billing.locks import lock_live_subscription
from billing.models import Plan, Subscription, SubscriptionChange
from billing.selectors.release import list_to_release
from shared_apps.audit.services import do_record
from shared_apps.core.actors import Actor
from shared_apps.core.transactions import require_transaction

MAKE = "billing.make_change"


def require_gateway() -> StripeGateway:
    """Return the gateway.

    Raises:
        PaymentsNotSetUp: this installation has none.
    """
    gateway = stripe_gateway()
    if gateway is None:
        raise PaymentsNotSetUp
    return gateway


def billed(subscription: Subscription) -> int:
    """Return the number of seats that are paid for; seats an operator gave on top are not among them."""
    if subscription.billed_seats is not None:
        return subscription.billed_seats
    return subscription.purchased - subscription.comped


def do_lock_changeable(organization_id: uuid.UUID, statuses: Collection[str]) -> Subscription:
    """Return the organization's subscription, locked, if it is the gateway's and in one of the statuses.

    Raises:
        NoSubscription: there is none.
        NotManagedHere: an operator gave it.
        SubscriptionNotOpen: it is in another status; facts `status`.
    """
    require_transaction()
    subscription = lock_live_subscription(organization_id)
    if subscription is None:
        raise NoSubscription
    if subscription.gateway_ref is None or subscription.price_id is None:
        raise NotManagedHere
    if subscription.status not in statuses:
        raise SubscriptionNotOpen(status=str(subscription.status))
    return subscription


def do_refuse_under_way(subscription: Subscription) -> None:
    """Refuse while another change is on its way or waits for its payment: the next would be reckoned from a
    number that is about to be another.

    Raises:
        ChangeUnderWay: facts `change`, `state`, `invoice_url`.
    """
    require_transaction()
    waiting = SubscriptionChange.objects.filter(
        subscription=subscription, state__in=(ChangeState.REQUESTED, ChangeState.UNPAID)
    ).first()
    if waiting is not None:
        url = waiting.facts.get("invoice_url")
        more = {"invoice_url": url} if url else {}
        raise ChangeUnderWay(change=str(waiting.id), state=str(waiting.state), **more)


def check_seats(subscription: Subscription, plan: Plan, seats: int) -> None:
    """Refuse a number of seats that the plan is not sold with, or that is below the seats in use.

    Raises:
        SeatsOutsidePlan: facts `min_seats`, `max_seats`, `asked`.
        SeatsInUse: with whom to release.
    """
    if not plan.min_seats <= seats <= plan.max_seats:
        raise SeatsOutsidePlan(field="seats", min_seats=plan.min_seats, max_seats=plan.max_seats, asked=seats)
    left = seats + subscription.comped
    if left < subscription.used:
        raise SeatsInUse(
            field="seats",
            used=subscription.used,
            asked=seats,
            to_release=subscription.used - left,
            holders=list_to_release(subscription),
        )


def require_made(change: SubscriptionChange) -> None:
    """Refuse to call a change made that was not.

    Raises:
        ChangeUnpaid: the card was declined; it is made once the invoice is paid.
        CardDeclined, PromotionNotValid, GatewayRefused: it failed; nothing has changed.
    """
    if change.state == ChangeState.UNPAID:
        known = ("invoice_url", "due_minor", "currency", "until")
        facts = {name: change.facts[name] for name in known if name in change.facts}
        raise ChangeUnpaid(change=str(change.id), **facts)
    if change.state != ChangeState.FAILED:
        return
    if change.kind == ChangeKind.DISCOUNT:
        raise PromotionNotValid(field="code", change=str(change.id))
    if change.kind == ChangeKind.RESUME and "declined" in change.problem:
        raise CardDeclined(reason=change.problem, change=str(change.id))
    raise GatewayRefused(reason=change.problem, change=str(change.id))


def do_insert(*, actor: Actor, change: SubscriptionChange, **facts: Any) -> None:
    """Write a change down, before anything is asked of the gateway, and audit it.

    Raises:
        ChangeUnderWay: another one is on its way.
    """
    require_transaction()
    try:
        with transaction.atomic():
            change.save(force_insert=True)
    except IntegrityError as error:  # the constraint on changes on their way
        raise ChangeUnderWay from error
    do_record(
        actor=actor,
        action=f"billing.{change.kind}",
        organization_id=change.organization_id,
        target=change,
        changes={"seats": [change.from_seats, change.to_seats], **facts},
    )
