"""Who sees and changes the people of an organization."""

from django.db.models import QuerySet
from django.db.models.expressions import RawSQL

from shared_apps.core.actors import ADMINS, EVERYONE, Actor, ActorKind, Role
from shared_apps.core.errors import Forbidden
from shared_apps.core.policies import Rule, declare, may
from tenant_apps.people.models import Member

VIEW = declare(Rule("members.view", roles=EVERYONE))
EDIT = declare(Rule("members.edit", roles=ADMINS))
CHANGE_ROLE = declare(Rule("members.change_role", roles=ADMINS))
SUSPEND = declare(Rule("members.suspend", roles=ADMINS))
REMOVE = declare(Rule("members.remove", roles=ADMINS))
# Making and unmaking owners and admins; else one admin could take the organization over.
MANAGE_ADMINS = declare(Rule("members.manage_admins", roles=frozenset({Role.OWNER})))
INVITE = declare(Rule("invitations.manage", roles=ADMINS))
ACCEPT = declare(Rule("invitations.accept", anyone=True))
PROFILE = declare(Rule("profile.own", roles=EVERYONE))

_SEE_ALL = ADMINS | {Role.BILLING_ADMIN, Role.INSTRUCTOR}

# UNION drops repeats, so a circle of managers ends the recursion too.
_REPORTS_TREE = """
WITH RECURSIVE tree (id) AS (
    SELECT %s::uuid UNION SELECT p.id FROM people_member p JOIN tree ON p.manager_id = tree.id
) SELECT id FROM tree
"""


def visible_members(actor: Actor) -> QuerySet[Member]:
    """Return the members the actor may see: all for admins, billing admins and instructors; a manager's own
    reports, over all levels, and themself; others themselves."""
    members = Member.objects.all()
    if actor.kind is ActorKind.SYSTEM or actor.role in _SEE_ALL:
        return members
    if actor.membership_id is None:
        return members.none()
    if actor.role is Role.MANAGER:
        return members.filter(pk__in=RawSQL(_REPORTS_TREE, [actor.membership_id]))  # noqa: S611  constant SQL
    return members.filter(pk=actor.membership_id)


def require_rank(actor: Actor, *roles: str) -> None:
    """Raise when one of the roles is an owner's or admin's and the actor may not make or unmake those.

    Raises:
        Forbidden: only an owner may.
    """
    if any(role in ADMINS for role in roles) and not may(actor, MANAGE_ADMINS):
        raise Forbidden(needed=MANAGE_ADMINS.name)
