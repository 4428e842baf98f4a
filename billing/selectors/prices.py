"""What is sold: plans with their prices, as a buyer and as an operator sees them."""

import uuid

from django.db.models import Exists, OuterRef, Prefetch, QuerySet

from billing.models import Plan, PlanPrice
from billing.policies import BILLING_VIEW, PLANS_VIEW, require_in
from shared_apps.core.actors import Actor
from shared_apps.core.errors import NotFound
from shared_apps.core.policies import require


def read_price_list(*, currency: str | None = None) -> list[Plan]:
    """Return the plans that can be bought, each with its prices in `plan.sold`. Two statements.

    A price counts when the gateway has it: before, nobody could pay it.

    Args:
        currency: lower case; None for all.
    """
    sold = PlanPrice.objects.filter(is_active=True, gateway_ref__isnull=False)
    if currency is not None:
        sold = sold.filter(currency=currency)
    return list(
        Plan.objects.filter(is_active=True)
        .filter(Exists(sold.filter(plan=OuterRef("pk"))))
        .order_by("position", "code")
        .prefetch_related(Prefetch("prices", queryset=sold.order_by("currency", "interval"), to_attr="sold"))
    )


def read_prices_for(*, actor: Actor, organization_id: uuid.UUID, currency: str | None = None) -> list[Plan]:
    """Return `read_price_list` to somebody who may see the organization's billing."""
    require_in(actor, BILLING_VIEW, organization_id)
    return read_price_list(currency=currency)


def list_prices(*, actor: Actor, plan_id: uuid.UUID) -> QuerySet[PlanPrice]:
    """Return a plan's prices, archived ones too.

    Raises:
        NotFound: there is no such plan.
    """
    require(actor, PLANS_VIEW)
    if not Plan.objects.filter(id=plan_id).exists():
        raise NotFound(plan=str(plan_id))
    return PlanPrice.objects.filter(plan_id=plan_id)
