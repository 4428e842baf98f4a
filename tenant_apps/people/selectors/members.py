"""Read members. Role and status come from the membership, joined in the same query."""

import uuid

from django.db.models import CharField, F, Q, QuerySet, Value
from django.db.models.functions import Cast, Concat, Lower

from shared_apps.accounts.enums import MembershipStatus
from shared_apps.core.actors import Actor
from shared_apps.core.errors import NotFound
from tenant_apps.people.models import Member
from tenant_apps.people.policies import visible_members

# The order of lists; unique, so that a page's cursor stands between two rows whatever names people share.
BY_NAME = "name_key"


def list_members(
    actor: Actor, *, search: str = "", role: str = "", status: str = "", department: str = ""
) -> QuerySet[Member]:
    """Return the visible members with a `name_key` to order by.

    Args:
        search: words that must each begin the first name, the last name or the address, in any case.
        status: one status; empty means everybody who was not removed.
        department: exact, in any case.
    """
    members = visible_members(actor).select_related("membership", "manager")
    for word in search.split():
        members = members.filter(
            Q(first_name__istartswith=word) | Q(last_name__istartswith=word) | Q(email__istartswith=word)
        )
    if role:
        members = members.filter(membership__role=role)
    if status:
        members = members.filter(membership__status=status)
    else:
        members = members.exclude(membership__status=MembershipStatus.REMOVED)
    if department:
        members = members.filter(department__iexact=department)
    separator = Value("\x01")
    key = Concat(
        Lower("last_name"),
        separator,
        Lower("first_name"),
        separator,
        Cast(F("membership_id"), CharField()),
        output_field=CharField(),
    )
    return members.annotate(name_key=key).order_by(BY_NAME)


def get_member(actor: Actor, member_id: uuid.UUID) -> Member:
    """Return one member with membership and manager.

    Raises:
        NotFound: no such member here, or not the actor's to see.
    """
    found = visible_members(actor).select_related("membership", "manager").filter(pk=member_id).first()
    if found is None:
        raise NotFound
    return found
