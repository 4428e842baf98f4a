"""When people were last here: asked by billing, which doesn't read our tables."""

from django.db.models import DateTimeField, Max, OuterRef, Subquery
from django.db.models.functions import Coalesce

from shared_apps.accounts.models import SignIn


def last_seen(membership: str) -> Subquery:
    """Return the expression for the time a membership's sign-ins were last used; null for never.

    Args:
        membership: path from the outer row to the membership's id.
    """
    used = (
        SignIn.objects.filter(membership_id=OuterRef(membership))
        .order_by()
        .values("membership_id")
        .annotate(at=Max(Coalesce("last_used_at", "created_at")))
        .values("at")
    )
    return Subquery(used, output_field=DateTimeField())
