"""Bring plans and prices to the gateway, and tell where the two differ. Safe to repeat."""

from dataclasses import dataclass

import structlog

from billing.enums import Interval
from billing.errors import PaymentsNotSetUp
from billing.gateways.stripe_gateway import stripe_gateway
from billing.gateways.types import PriceWish, SeenPrice
from billing.models import Plan, PlanPrice
from shared_apps.core.transactions import entry_transaction

log = structlog.get_logger(__name__)

# Interval and count as gateways know them: a quarter is three months.
RHYTHM = {Interval.MONTH: ("month", 1), Interval.QUARTER: ("month", 3), Interval.YEAR: ("year", 1)}


@dataclass(frozen=True, slots=True)
class Drift:
    """A price that is another one at the gateway: which fact, ours, theirs."""

    price: PlanPrice
    fact: str
    ours: object
    theirs: object


@dataclass(frozen=True, slots=True)
class Synced:
    """What a run did, or would do: products brought up to date, prices made, prices retired, and what
    differs."""

    products: int
    made: int
    retired: int
    drifts: tuple[Drift, ...]


def sync_catalogue(*, only_look: bool = False) -> Synced:
    """Bring every plan and price to the gateway.

    Amounts of a price never change there; one that differs is told, never corrected: somebody who may do so
    has to say which of the two is right.

    Args:
        only_look: change nothing, and count what would be.

    Raises:
        PaymentsNotSetUp: there is no gateway.
        GatewayUnavailable, GatewayRefused: what was done stays done; run it again.
    """
    gateway = stripe_gateway()
    if gateway is None:
        raise PaymentsNotSetUp
    plans = list(Plan.objects.order_by("code"))
    if not only_look:
        for plan in plans:
            gateway.ensure_product(product_ref(plan), name=plan.name, description=plan.description)
    made = retired = 0
    drifts: list[Drift] = []
    for price in PlanPrice.objects.select_related("plan").order_by("id"):
        seen = gateway.find_price(price.key)
        if seen is None:
            made += 1
            if only_look:
                continue
            seen = gateway.create_price(_wish(price))
        drifts += _drifts(price, seen)
        is_over = not (price.is_active and price.plan.is_active) and seen.is_active
        retired += is_over
        if only_look:
            continue
        if price.gateway_ref != seen.ref:
            with entry_transaction():
                price.gateway_ref = seen.ref
                price.save_fields("gateway_ref")
        if is_over:
            gateway.retire_price(seen.ref)  # who has it keeps it
    for drift in drifts:
        log.error(
            "catalogue_drift",
            price=str(drift.price.id),
            fact=drift.fact,
            ours=str(drift.ours),
            theirs=str(drift.theirs),
        )
    return Synced(len(plans), made, retired, tuple(drifts))


def product_ref(plan: Plan) -> str:
    """Return the id of the plan's product at the gateway."""
    return f"palaestra-{plan.code}"


def _wish(price: PlanPrice) -> PriceWish:
    interval, count = RHYTHM[Interval(price.interval)]
    return PriceWish(
        key=price.key,
        product_ref=product_ref(price.plan),
        currency=price.currency,
        unit_minor=price.unit_minor,
        interval=interval,
        interval_count=count,
        tax_behavior=price.tax_behavior,
    )


def _drifts(price: PlanPrice, seen: SeenPrice) -> list[Drift]:
    wish = _wish(price)
    pairs = {
        "unit_minor": (wish.unit_minor, seen.unit_minor),
        "currency": (wish.currency, seen.currency),
        "interval": ((wish.interval, wish.interval_count), (seen.interval, seen.interval_count)),
        "product": (wish.product_ref, seen.product_ref),
        "tax_behavior": (wish.tax_behavior, seen.tax_behavior),
    }
    found = [Drift(price, fact, ours, theirs) for fact, (ours, theirs) in pairs.items() if ours != theirs]
    if price.is_active and price.plan.is_active and not seen.is_active:
        found.append(Drift(price, "is_active", True, False))
    return found
