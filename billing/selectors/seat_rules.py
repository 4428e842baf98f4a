"""How freely seats move under a plan: what the rules are, and whether one holding may move now.

A move takes a seat by hand from a member who uses it. A seat nobody has used yet, and one whose member leaves
the organization, cost no move.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef

from billing.enums import Overuse, SeatEnding, SeatState
from billing.errors import MovesExhausted, SeatCooling
from billing.models import SeatAssignment, Subscription
from billing.selectors.seats import live_subscriptions
from shared_apps.core import clock


@dataclass(frozen=True, slots=True)
class SeatRules:
    """The rules of the live subscription, and how much of them is used.

    Attributes:
        cooling_hours: somebody holds a seat so long at least before it moves on.
        moves_percent: moves in a year for each hundred seats; None for any number.
        moves_allowed: the number that comes to, rounded up; None for any number.
        moves_used: moves since `year_starts_at`, without those that were undone.
        renews_at: when the next year of the subscription starts.
    """

    cooling_hours: int
    moves_percent: int | None
    moves_allowed: int | None
    moves_used: int
    year_starts_at: datetime
    renews_at: datetime
    overuse: Overuse

    @property
    def moves_left(self) -> int | None:
        """Return how many seats may still be moved this year; None for any number."""
        return None if self.moves_allowed is None else max(0, self.moves_allowed - self.moves_used)


def get_seat_rules(*, organization_id: uuid.UUID) -> SeatRules | None:
    """Return the rules of the live subscription; None without one."""
    found = live_subscriptions().filter(organization_id=organization_id).select_related("plan").first()
    return None if found is None else rules_of(found)


def rules_of(subscription: Subscription) -> SeatRules:
    """Return the rules of a subscription, with the moves of its running year counted from the holdings."""
    plan, instant = subscription.plan, clock.now()
    starts, ends = subscription_year(subscription.starts_at, instant)
    percent = plan.moves_percent
    return SeatRules(
        cooling_hours=plan.cooling_hours,
        moves_percent=percent,
        moves_allowed=None if percent is None else -(-subscription.purchased * percent // 100),
        moves_used=_count_moves(subscription, starts),
        year_starts_at=starts,
        renews_at=ends,
        overuse=Overuse(plan.overuse),
    )


def is_move(seat: SeatAssignment) -> bool:
    """Tell whether taking the live seat by hand is a move."""
    return seat.state == SeatState.ACTIVE


def refusal_of(
    rules: SeatRules, seat: SeatAssignment, *, moved_before: int = 0
) -> SeatCooling | MovesExhausted | None:
    """Return what stands against taking the live seat by hand now; None when nothing does.

    Args:
        moved_before: moves of the same act that come before this one.
    """
    if not is_move(seat):
        return None
    until = seat.created_at + timedelta(hours=rules.cooling_hours)
    if until > clock.now():
        return SeatCooling(until=until.isoformat(), cooling_hours=rules.cooling_hours)
    if rules.moves_left is not None and moved_before >= rules.moves_left:
        return MovesExhausted(
            allowance=rules.moves_allowed,
            used=rules.moves_used + moved_before,
            renews_at=rules.renews_at.isoformat(),
        )
    return None


def subscription_year(starts_at: datetime, instant: datetime) -> tuple[datetime, datetime]:
    """Return the year of the subscription that the instant is in: from an anniversary up to the next."""
    years = instant.year - starts_at.year
    if _anniversary(starts_at, years) > instant:
        years -= 1
    return _anniversary(starts_at, years), _anniversary(starts_at, years + 1)


def _anniversary(starts_at: datetime, years: int) -> datetime:
    year = starts_at.year + years
    try:
        return starts_at.replace(year=year)
    except ValueError:  # the 29th of February of a year that has none
        return starts_at.replace(year=year, day=28)


def _count_moves(subscription: Subscription, since: datetime) -> int:
    given_back = SeatAssignment.objects.filter(
        follows_id=OuterRef("id"), membership_id=OuterRef("membership_id")
    )
    return (
        SeatAssignment.objects.filter(
            subscription=subscription, ending=SeatEnding.MOVED, revoked_at__gte=since
        )
        .filter(~Exists(given_back))
        .order_by()
        .count()
    )
