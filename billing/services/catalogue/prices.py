"""Prices of plans: made and archived, never changed."""

import uuid

from django.db import IntegrityError, transaction

from billing.enums import Interval, TaxBehavior
from billing.errors import PlanNotOffered, PriceTaken
from billing.models import Plan, PlanPrice
from billing.money import check_price
from billing.policies import PLANS_MANAGE
from billing.services.catalogue.plans import SYNC
from shared_apps.audit.services import do_record
from shared_apps.core.actors import Actor
from shared_apps.core.errors import NotFound
from shared_apps.core.jobs import enqueue
from shared_apps.core.policies import require
from shared_apps.core.transactions import entry_transaction


def create_price(
    *,
    actor: Actor,
    plan_id: uuid.UUID,
    interval: Interval,
    currency: str,
    unit_minor: int,
    tax_behavior: TaxBehavior = TaxBehavior.EXCLUSIVE,
) -> PlanPrice:
    """Sell a plan at a price; it can be bought when the gateway has it.

    Args:
        currency: lower case.
        unit_minor: for one seat and period, in minor units.

    Raises:
        NotFound: there is no such plan.
        PlanNotOffered: it is archived.
        CurrencyUnknown, AmountNotChargeable: see `check_price`.
        PriceTaken: it has a price for this interval and currency.
    """
    with entry_transaction():
        require(actor, PLANS_MANAGE)
        plan = Plan.objects.select_for_update().filter(id=plan_id).first()
        if plan is None:
            raise NotFound(plan=str(plan_id))
        if not plan.is_active:
            raise PlanNotOffered(plan=plan.code)
        check_price(currency, unit_minor, least_seats=plan.min_seats)
        price = PlanPrice(
            plan=plan, interval=interval, currency=currency, unit_minor=unit_minor, tax_behavior=tax_behavior
        )
        try:
            with transaction.atomic():
                price.save(force_insert=True)
        except IntegrityError as error:
            other = PlanPrice.objects.get(plan=plan, interval=interval, currency=currency, is_active=True)
            raise PriceTaken(field="interval", price=str(other.id)) from error
        do_record(
            actor=actor,
            action="prices.create",
            organization_id=None,
            target=price,
            changes={
                "plan": plan.code,
                "interval": str(interval),
                "unit_minor": unit_minor,
                "currency": currency,
            },
        )
        enqueue(SYNC, organization_id=None)
    return price


def archive_price(*, actor: Actor, plan_id: uuid.UUID, price_id: uuid.UUID) -> PlanPrice:
    """Sell at a price no more; who bought at it keeps it. Archiving it again changes nothing.

    Raises:
        NotFound: the plan has no such price.
    """
    with entry_transaction():
        require(actor, PLANS_MANAGE)
        price = PlanPrice.objects.select_for_update(of=("self",)).filter(id=price_id, plan_id=plan_id).first()
        if price is None:
            raise NotFound(price=str(price_id))
        if price.is_active:
            price.is_active = False
            price.save_fields("is_active")
            do_record(actor=actor, action="prices.archive", organization_id=None, target=price)
            enqueue(SYNC, organization_id=None)
    return price
