"""Refused writes of those who run things go to the audit log: an attempt is worth knowing too."""

from typing import Any

from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request

from shared_apps.audit.services import record_refusal
from shared_apps.core.actors import ADMINS, Actor, ActorKind
from shared_apps.core.errors import Forbidden


def record_refused_write(error: Exception, request: Request | None, view: Any) -> None:
    """Record a 403 on an unsafe method by an operator, owner or admin. The refused transaction is over."""
    if not isinstance(error, Forbidden) or request is None or request.method in SAFE_METHODS:
        return
    # Not `request.auth`: where the sign-in itself was refused that would try it again.
    actor: Actor | None = getattr(request, "_auth", None)
    if actor is None or not (actor.kind is ActorKind.OPERATOR or actor.role in ADMINS):
        return
    declared = getattr(view, "policies", {}).get(getattr(view, "action", None), "")
    record_refusal(
        actor=actor,
        action=str(error.facts.get("needed") or declared or error.code),
        organization_id=actor.organization_id,
        code=error.code,
    )
