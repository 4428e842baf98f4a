"""Promotion codes: which are there, and which one works for a price."""

import uuid

from django.db.models import Q, QuerySet

from billing.errors import PromotionNotValid
from billing.models import PlanPrice, Promotion
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


def usable_promotion_ref(code: str, *, price: PlanPrice) -> str:
    """Return the gateway's id of a code that lowers this price now. How often it was used, it counts itself.

    Raises:
        PromotionNotValid: unknown, archived, over, or for another plan or currency.
    """
    found = (
        Promotion.objects.filter(code=code.upper(), is_active=True, gateway_ref__isnull=False)
        .filter(Q(plan=None) | Q(plan_id=price.plan_id))
        .filter(Q(currency="") | Q(currency=price.currency))
        .filter(Q(expires_at=None) | Q(expires_at__gt=clock.now()))
        .first()
    )
    if found is None:
        raise PromotionNotValid(field="promotion")
    return str(found.gateway_ref)
