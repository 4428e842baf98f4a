"""Who reads the audit log. Nobody changes it."""

from django.db.models import QuerySet

from shared_apps.audit.models import AuditEvent
from shared_apps.core.actors import ADMINS, Actor, ActorKind
from shared_apps.core.policies import Rule, declare

VIEW = declare(Rule("audit.view", roles=ADMINS, operators=True))


def visible_events(actor: Actor) -> QuerySet[AuditEvent]:
    """Return the events the actor may see: operators all, owners and admins their organization's, among them
    what operators did there."""
    if actor.kind is ActorKind.OPERATOR:
        return AuditEvent.objects.all()
    if actor.kind is ActorKind.MEMBER and actor.role in VIEW.roles and actor.organization_id is not None:
        return AuditEvent.objects.filter(organization_id=actor.organization_id)
    return AuditEvent.objects.none()
