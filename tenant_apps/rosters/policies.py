"""Who may bring in people by list. A list makes accounts, roles and seats, so it is administrators' work."""

from django.db.models import QuerySet

from shared_apps.core.actors import ADMINS, Actor, ActorKind
from shared_apps.core.policies import Rule, declare
from tenant_apps.rosters.models import RosterImport

IMPORT = declare(Rule("rosters.import", roles=ADMINS))
VIEW = declare(Rule("rosters.view", roles=ADMINS))


def visible_rosters(actor: Actor) -> QuerySet[RosterImport]:
    """Return the imports the actor may see: all of the organization for its administrators, else none."""
    if actor.kind is ActorKind.SYSTEM or (actor.kind is ActorKind.MEMBER and actor.role in ADMINS):
        return RosterImport.objects.all()
    return RosterImport.objects.none()
