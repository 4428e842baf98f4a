"""Reads on plans and subscriptions for the platform's operators."""

import uuid

from django.db.models import QuerySet

from billing.models import Plan, Subscription
from billing.policies import PLANS_VIEW, SUBSCRIPTIONS_VIEW
from shared_apps.core.actors import Actor
from shared_apps.core.errors import NotFound
from shared_apps.core.policies import require


def list_plans(*, actor: Actor, is_active: bool | None = None) -> QuerySet[Plan]:
    """Return the catalogue, archived plans too unless `is_active` says which."""
    require(actor, PLANS_VIEW)
    rows = Plan.objects.all()
    return rows if is_active is None else rows.filter(is_active=is_active)


def get_plan(*, actor: Actor, plan_id: uuid.UUID) -> Plan:
    """Return one plan; NotFound when there is none of this id."""
    plan = list_plans(actor=actor).filter(id=plan_id).first()
    if plan is None:
        raise NotFound(plan=str(plan_id))
    return plan


def list_subscriptions(
    *, actor: Actor, organization_id: uuid.UUID | None, status: str | None = None
) -> QuerySet[Subscription]:
    """Return subscriptions with their plans, for operators only.

    Args:
        organization_id: whose; None means all organizations, which only an operator can ask for.
        status: only those in this status.
    """
    require(actor, SUBSCRIPTIONS_VIEW)
    rows = Subscription.objects.select_related("plan")
    if organization_id is not None:
        rows = rows.filter(organization_id=organization_id)
    return rows if status is None else rows.filter(status=status)


def get_subscription(*, actor: Actor, subscription_id: uuid.UUID) -> Subscription:
    """Return one subscription; NotFound when there is none of this id."""
    rows = list_subscriptions(actor=actor, organization_id=None)
    subscription = rows.filter(id=subscription_id).first()
    if subscription is None:
        raise NotFound(subscription=str(subscription_id))
    return subscription
