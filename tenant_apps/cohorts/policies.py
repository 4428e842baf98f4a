"""Who may do what with cohorts, and which cohorts an actor sees.

Administrators manage all of them. A manager manages the cohorts they hold the right on; making a cohort gives
it. Nobody else sees cohorts.
"""

import uuid

from django.db.models import QuerySet
from guardian.shortcuts import get_objects_for_user

from shared_apps.accounts.models import User
from shared_apps.core.actors import ADMINS, Actor, ActorKind, Role
from shared_apps.core.policies import Rule, declare
from tenant_apps.cohorts.models import Cohort

MANAGE = "manage_cohort"

_MANAGERS = frozenset({Role.MANAGER})


def cohorts_with_right(actor: Actor) -> QuerySet[Cohort]:
    """Return the cohorts the actor holds the right on; nothing on the platform (superuser, group) counts."""
    if actor.user_id is None or actor.role is None:
        return Cohort.objects.none()
    found: QuerySet[Cohort] = get_objects_for_user(
        User(id=actor.user_id),
        [f"cohorts.{MANAGE}"],
        klass=Cohort,
        use_groups=False,
        with_superuser=False,
        accept_global_perms=False,
    )
    return found


def _manages(actor: Actor, cohort_id: uuid.UUID) -> bool:
    return cohorts_with_right(actor).filter(pk=cohort_id).exists()


VIEW = declare(Rule("cohorts.view", roles=ADMINS, object_roles=_MANAGERS, holds=_manages))
CREATE = declare(Rule("cohorts.create", roles=ADMINS | _MANAGERS))
EDIT = declare(Rule("cohorts.edit", roles=ADMINS, object_roles=_MANAGERS, holds=_manages))
STAFF = declare(Rule("cohorts.staff", roles=ADMINS))


def sees_everything(actor: Actor) -> bool:
    """Tell whether no cohort is hidden from the actor."""
    return actor.kind is ActorKind.SYSTEM or actor.role in ADMINS


def visible_cohorts(actor: Actor) -> QuerySet[Cohort]:
    """Return the cohorts the actor may know of."""
    if sees_everything(actor):
        return Cohort.objects.all()
    return cohorts_with_right(actor) if actor.role in _MANAGERS else Cohort.objects.none()
