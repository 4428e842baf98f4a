"""Reads on changes of subscriptions."""

import uuid

from django.db.models import QuerySet

from billing.enums import ChangeState
from billing.models import SubscriptionChange
from billing.policies import BILLING_VIEW, require_in
from shared_apps.core.actors import Actor
from shared_apps.core.errors import NotFound


def list_changes(
    *, actor: Actor, organization_id: uuid.UUID, state: ChangeState | None = None
) -> QuerySet[SubscriptionChange]:
    """Return what the organization asked of its subscription, newest first.

    Args:
        state: only those in this state.
    """
    require_in(actor, BILLING_VIEW, organization_id)
    rows = SubscriptionChange.objects.filter(organization_id=organization_id).select_related(
        "to_price__plan", "subscription__price"
    )
    return rows if state is None else rows.filter(state=state)


def get_change(*, actor: Actor, organization_id: uuid.UUID, change_id: uuid.UUID) -> SubscriptionChange:
    """Return one change; NotFound when the organization has none of this id."""
    change = list_changes(actor=actor, organization_id=organization_id).filter(id=change_id).first()
    if change is None:
        raise NotFound(change=str(change_id))
    return change
