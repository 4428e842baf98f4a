"""Read one's own profile."""

import uuid
from dataclasses import dataclass

from shared_apps.accounts.models import User
from shared_apps.core.actors import Actor
from shared_apps.core.errors import NotFound
from shared_apps.core.policies import all_rules, may, require
from tenant_apps.people.models import Member
from tenant_apps.people.policies import PROFILE


@dataclass(frozen=True, slots=True)
class Profile:
    """A person in an organization: what they say of themselves, and what the company says.

    Attributes:
        can: for each act of the organization, whether the role allows it at all; an object may still refuse.
    """

    user: User
    member: Member
    can: dict[str, bool]


def acts_of(actor: Actor) -> dict[str, bool]:
    """Return every act that a role can allow, with whether the actor's does."""
    rules = all_rules().values()
    return {
        rule.name: may(actor, rule) for rule in rules if rule.roles or rule.object_roles or rule.signed_in
    }


def get_profile(actor: Actor) -> Profile:
    """Return the actor's own profile.

    Raises:
        NotFound: the actor is an operator looking in, who has none.
    """
    require(actor, PROFILE)
    rows = Member.objects.select_related("user", "membership", "manager")
    member = rows.filter(pk=actor.member_id).first()
    if member is None:
        raise NotFound
    return Profile(user=member.user, member=member, can=acts_of(actor))


def preferred_language(member_id: uuid.UUID) -> str:
    """Return the language (BCP 47) the member reads best: what they chose themselves, else what the company
    says; "" where neither says anything. One statement."""
    row = Member.objects.filter(pk=member_id).order_by().values_list("user__language", "language").first()
    if row is None:
        return ""
    chosen, known = row
    # "en" is what every login begins with, chosen or not.
    return chosen if chosen != "en" else known
