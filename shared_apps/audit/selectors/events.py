"""Read the audit log."""

import uuid
from datetime import datetime

from django.db.models import QuerySet

from shared_apps.audit.models import AuditEvent
from shared_apps.audit.policies import visible_events
from shared_apps.core.actors import Actor


def list_events(
    actor: Actor,
    *,
    organization_id: uuid.UUID | None,
    action: str = "",
    actor_id: uuid.UUID | None = None,
    target_id: str = "",
    outcome: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
) -> QuerySet[AuditEvent]:
    """Return the events the actor may see, newest first.

    Args:
        organization_id: narrows what an operator sees; what a member sees it never widens.
        action: "members.suspend", or a whole family of acts when it ends with a dot: "members.".
        actor_id: the user who acted.
        since, until: first instant of the window, and the first after it.
    """
    events = visible_events(actor)
    if action.endswith("."):
        events = events.filter(action__startswith=action)
    elif action:
        events = events.filter(action=action)
    exact = {
        "actor_id": actor_id,
        "target_id": target_id,
        "outcome": outcome,
        "organization_id": organization_id,
        "created_at__gte": since,
        "created_at__lt": until,
    }
    return events.filter(**{name: value for name, value in exact.items() if value}).order_by("-id")
