"""Who exports and downloads: an organization's owner and admins their own, operators any."""

from django.db.models import QuerySet

from shared_apps.archives.models import Archive
from shared_apps.core.actors import ADMINS, Actor, ActorKind
from shared_apps.core.policies import Rule, declare

VIEW = declare(Rule("archives.view", roles=ADMINS, operators=True))
EXPORT = declare(Rule("archives.export", roles=ADMINS, operators=True))
# The signature in the address is the right: it names archive, person and end.
DOWNLOAD = declare(Rule("archives.download", anyone=True))


def visible_archives(actor: Actor) -> QuerySet[Archive]:
    """Return the archives the actor may know of."""
    if actor.kind is ActorKind.OPERATOR:
        return Archive.objects.all()
    if actor.kind is ActorKind.MEMBER and actor.role in VIEW.roles and actor.organization_id is not None:
        return Archive.objects.filter(organization_id=actor.organization_id)
    return Archive.objects.none()
