"""Whose seats an organization needs least, for when it wants fewer than it uses."""

from typing import Any

from django.db.models import Case, F, IntegerField, Value, When

from billing.enums import SeatState
from billing.models import SeatAssignment, Subscription
from shared_apps.accounts.selectors.activity import last_seen

MOST_NAMED = 50


def list_to_release(subscription: Subscription, *, most: int = MOST_NAMED) -> list[dict[str, Any]]:
    """Return holders as JSON-ready facts: who was invited and never came first, oldest first; then who was
    here longest ago.

    Args:
        most: how many at most.
    """
    rows = (
        SeatAssignment.objects.filter(subscription=subscription, organization_id=subscription.organization_id)
        .exclude(state=SeatState.REVOKED)
        .select_related("membership__user")
        .annotate(
            seen=last_seen("membership_id"),
            rank=Case(
                When(state=SeatState.INVITED, then=Value(0)), default=Value(1), output_field=IntegerField()
            ),
        )
        .order_by("rank", F("seen").asc(nulls_first=True), "created_at", "id")[:most]
    )
    return [
        {
            "id": str(row.id),
            "member_id": str(row.membership_id),
            "name": row.membership.user.name,
            "email": row.membership.user.email,
            "state": str(row.state),
            "since": row.created_at.isoformat(),
            "last_seen_at": row.seen.isoformat() if row.seen else None,
        }
        for row in rows
    ]
