"""Promotion codes: which are there, and which one works for a price."""

from django.db.models import Q

from billing.errors import PromotionNotValid
from billing.models import PlanPrice, Promotion
from shared_apps.core import clock


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
