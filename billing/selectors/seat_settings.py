"""How an organization wants its seats given."""

import uuid
from dataclasses import dataclass

from billing.enums import Overuse
from billing.models import Subscription
from tenants.selectors.organizations import get_settings


@dataclass(frozen=True, slots=True)
class SeatSettings:
    """What an organization chose.

    Attributes:
        self_claim: its people may take a free seat themselves.
        auto_assign: who joins is given a free seat.
        growth: missing seats are bought when seats are assigned, where the plan has it so.
        growth_most: the number of seats beyond which none is bought like this; None for never set.
    """

    self_claim: bool = True
    auto_assign: bool = False
    growth: bool = False
    growth_most: int | None = None


def get_seat_settings(*, organization_id: uuid.UUID) -> SeatSettings:
    """Return the organization's choices, the usual ones where it made none. One statement."""
    found = get_settings(organization_id=organization_id)
    return SeatSettings(
        self_claim=found.get("seat_self_claim", True),
        auto_assign=found.get("seat_auto_assign", False),
        growth=found.get("seat_growth", False),
        growth_most=found.get("seat_growth_most"),
    )


def can_grow(subscription: Subscription, *, needed: int) -> bool:
    """Tell whether seats may be bought so that so many more are in use: as plan and organization have it."""
    if subscription.gateway_ref is None or subscription.plan.overuse != Overuse.GROW:
        return False
    chosen = get_seat_settings(organization_id=subscription.organization_id)
    most = chosen.growth_most if chosen.growth else None
    return most is not None and subscription.used + needed <= most
