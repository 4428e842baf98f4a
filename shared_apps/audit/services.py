"""Write the audit log."""

import uuid
from typing import Any

from shared_apps.audit.models import AuditEvent
from shared_apps.core.actors import Actor
from shared_apps.core.transactions import require_transaction


def do_record(
    *,
    actor: Actor,
    action: str,
    organization_id: uuid.UUID | None,
    target: Any = None,
    target_kind: str = "",
    target_id: object = "",
    changes: dict[str, Any] | None = None,
) -> None:
    """Record one act in the transaction of the act itself: both happen, or neither.

    Args:
        actor: who acts.
        action: "courses.publish"; the name of the policy where there is one.
        organization_id: the organization the act concerns, None for the platform alone.
        target: a row; its model and key are recorded. Or give `target_kind` and `target_id`.
        changes: JSON-ready facts, {"field": [old, new]} for edits; never secrets.
    """
    require_transaction()
    AuditEvent.objects.create(
        organization_id=organization_id,
        actor_kind=actor.recorded_kind,
        actor_id=actor.user_id,
        actor_label=actor.label,
        action=action,
        target_kind=target_kind or (target._meta.model_name if target is not None else ""),
        target_id=str(target_id or (target.pk if target is not None else "")),
        changes=changes or {},
        address=actor.address,
        request_id=actor.request_id or "",
    )


def record_refusal(*, actor: Actor, action: str, organization_id: uuid.UUID | None, code: str) -> None:
    """Record that somebody was refused; stands alone, since the refused transaction is rolled back."""
    AuditEvent.objects.create(
        organization_id=organization_id,
        actor_kind=actor.recorded_kind,
        actor_id=actor.user_id,
        actor_label=actor.label,
        action=action,
        outcome="refused",
        changes={"code": code},
        address=actor.address,
        request_id=actor.request_id or "",
    )
