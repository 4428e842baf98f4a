"""Reads on seats. Every one demands the organization: a schema does not protect rows of the shared schema."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q, QuerySet, Sum

from billing.enums import OVER, SeatState
from billing.models import SeatAssignment, Subscription
from billing.selectors.access import seats_open
from shared_apps.core import clock


@dataclass(frozen=True, slots=True)
class SeatSummary:
    """Where the seats of an organization stand. purchased = assigned + active + free, always.

    Attributes:
        assigned: held by members who were invited and have not joined yet.
        active: held by members who joined.
        released: holdings that ended, under the live subscription.
        status: of the subscription; empty without one.
    """

    purchased: int = 0
    assigned: int = 0
    active: int = 0
    free: int = 0
    released: int = 0
    plan: str = ""
    status: str = ""

    @property
    def used_percent(self) -> int:
        """Return how many of a hundred seats are held, rounded down; 0 without seats."""
        return (self.assigned + self.active) * 100 // self.purchased if self.purchased else 0


def get_seat_summary(*, organization_id: uuid.UUID) -> SeatSummary:
    """Return the counts of the live subscription, all zero without one. One statement."""
    found = (
        live_subscriptions()
        .filter(organization_id=organization_id)
        .annotate(
            assigned=Count("seats", filter=Q(seats__state=SeatState.INVITED)),
            active=Count("seats", filter=Q(seats__state=SeatState.ACTIVE)),
            released=Count("seats", filter=Q(seats__state=SeatState.REVOKED)),
        )
        .values("purchased", "used", "assigned", "active", "released", "status", "plan__code")
        .first()
    )
    if found is None:
        return SeatSummary()
    return SeatSummary(
        purchased=found["purchased"],
        assigned=found["assigned"],
        active=found["active"],
        free=found["purchased"] - found["used"],
        released=found["released"],
        plan=found["plan__code"],
        status=found["status"],
    )


def seats_free(*, organization_id: uuid.UUID) -> int:
    """Return how many seats could be assigned now: 0 without a subscription or when it takes no new seats."""
    found = live_subscriptions().filter(organization_id=organization_id).first()
    if found is None or not seats_open(found, clock.now()):
        return 0
    return found.free


def list_holdings(
    *,
    organization_id: uuid.UUID,
    state: SeatState | None = None,
    membership_id: uuid.UUID | None = None,
    held_at: datetime | None = None,
) -> QuerySet[SeatAssignment]:
    """Return holdings of seats, ended ones too, with who holds them.

    Args:
        held_at: only holdings that lasted at that instant (from assignment up to revocation).
    """
    rows = SeatAssignment.objects.filter(organization_id=organization_id).select_related("membership__user")
    if state is not None:
        rows = rows.filter(state=state)
    if membership_id is not None:
        rows = rows.filter(membership_id=membership_id)
    if held_at is not None:
        rows = rows.filter(Q(revoked_at__isnull=True) | Q(revoked_at__gt=held_at), created_at__lte=held_at)
    return rows


def live_subscriptions() -> QuerySet[Subscription]:
    """Return the subscriptions that are not canceled: one at most for each organization."""
    return Subscription.objects.exclude(status__in=OVER)


def has_seat(*, organization_id: uuid.UUID, membership_id: uuid.UUID) -> bool:
    """Tell whether the member holds a seat now."""
    return (
        SeatAssignment.objects.filter(organization_id=organization_id, membership_id=membership_id)
        .exclude(state=SeatState.REVOKED)
        .exists()
    )


def count_all_seats() -> tuple[int, int]:
    """Return how many seats are held and how many were granted, over all organizations, for operators."""
    found = live_subscriptions().aggregate(used=Sum("used", default=0), purchased=Sum("purchased", default=0))
    return found["used"], found["purchased"]
