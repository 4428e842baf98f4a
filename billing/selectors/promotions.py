"""Promotion codes: which are there, and which one works for a price."""

import uuid

from django.db.models import Q, QuerySet

from billing.enums import ChangeKind, ChangeState, CheckoutState, Duration
from billing.errors import PromotionNotValid
from billing.models import Checkout, PlanPrice, Promotion, SubscriptionChange
from billing.policies import PLANS_VIEW
from shared_apps.core import clock
from shared_apps.core.actors import Actor
from shared_apps.core.errors import NotFound
from shared_apps.core.policies import require


def list_promotions(*, actor: Actor, is_active: bool | None = None) -> QuerySet[Promotion]:
    """Return the codes, archived ones too unless `is_active` says which."""
    require(actor, PLANS_VIEW)
    rows = Promotion.objects.select_related("plan")
    return rows if is_active is None else rows.filter(is_active=is_active)


def get_promotion(*, actor: Actor, promotion_id: uuid.UUID) -> Promotion:
    """Return one code.

    Raises:
        NotFound: there is none of this id.
    """
    found = list_promotions(actor=actor).filter(id=promotion_id).first()
    if found is None:
        raise NotFound(promotion=str(promotion_id))
    return found


def usable_promotion_ref(code: str, *, price: PlanPrice, organization_id: uuid.UUID, field: str) -> str:
    """Return the gateway's id of a code that lowers this price now. How often it was used in all, the gateway
    counts; that one organization uses it once, it does not: a code for the first invoice, said again before
    each, would lower all of them.

    Args:
        field: what the caller's input calls the code, for the refusal.

    Raises:
        PromotionNotValid: unknown, archived, over, used, or for another plan or currency.
    """
    found = (
        Promotion.objects.filter(code=code.upper(), is_active=True, gateway_ref__isnull=False)
        .filter(Q(plan=None) | Q(plan_id=price.plan_id))
        .filter(Q(currency="") | Q(currency=price.currency))
        .filter(Q(expires_at=None) | Q(expires_at__gt=clock.now()))
        .first()
    )
    if found is None or (found.duration != Duration.FOREVER and _was_used(found, organization_id)):
        raise PromotionNotValid(field=field)
    return str(found.gateway_ref)


def _was_used(promotion: Promotion, organization_id: uuid.UUID) -> bool:
    changes = SubscriptionChange.objects.filter(
        organization_id=organization_id, kind=ChangeKind.DISCOUNT, state=ChangeState.CONFIRMED
    )
    pages = Checkout.objects.filter(organization_id=organization_id, state=CheckoutState.COMPLETE)
    ref = promotion.gateway_ref
    return (
        changes.filter(facts__promotion_ref=ref).exists() or pages.filter(terms__promotion_ref=ref).exists()
    )
