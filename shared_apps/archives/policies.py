"""Who exports and downloads: an organization's owner and admins their own, operators any."""

from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from shared_apps.archives.models import Archive
from shared_apps.core.actors import ADMINS, Actor, ActorKind
from shared_apps.core.policies import Rule, declare
from shared_apps.jobs.models import Job

VIEW = declare(Rule("archives.view", roles=ADMINS, operators=True))
EXPORT = declare(Rule("archives.export", roles=ADMINS, operators=True))
IMPORT = declare(Rule("archives.import", operators=True))
# The signature in the address is the right: it names archive, person and end.
DOWNLOAD = declare(Rule("archives.download", anyone=True))


def visible_archives(actor: Actor) -> QuerySet[Archive]:
    """Return the archives the actor may know of, with `done` and `total` of the job that writes each."""
    archives = Archive.objects.annotate(done=_of_job("done"), total=_of_job("total"))
    if actor.kind is ActorKind.OPERATOR:
        return archives
    if actor.kind is ActorKind.MEMBER and actor.role in VIEW.roles and actor.organization_id is not None:
        return archives.filter(organization_id=actor.organization_id)
    return Archive.objects.none()


def _of_job(column: str) -> Any:
    return Coalesce(Subquery(Job.objects.filter(id=OuterRef("job_id")).values(column)[:1]), 0)
