"""Who sees jobs."""

from django.db.models import QuerySet

from shared_apps.core.actors import ADMINS, EVERYONE, Actor, ActorKind
from shared_apps.core.policies import Rule, declare
from shared_apps.jobs.models import Job

VIEW = declare(Rule("jobs.view", roles=EVERYONE, operators=True))


def visible_jobs(actor: Actor) -> QuerySet[Job]:
    """Return the jobs the actor may see: an organization's for its admins, one's own for other members,
    the platform's for operators."""
    if actor.kind is ActorKind.OPERATOR:
        return Job.objects.filter(organization_id__isnull=True)
    if actor.kind is not ActorKind.MEMBER or actor.organization_id is None:
        return Job.objects.none()
    jobs = Job.objects.filter(organization_id=actor.organization_id)
    return jobs if actor.role in ADMINS else jobs.filter(created_by_id=actor.user_id)
