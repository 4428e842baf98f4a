"""Read imports and their rows."""

import uuid

from django.db.models import QuerySet

from shared_apps.core.actors import Actor
from shared_apps.core.errors import NotFound
from tenant_apps.rosters.models import RosterImport, RosterRow
from tenant_apps.rosters.policies import visible_rosters


def list_rosters(actor: Actor) -> QuerySet[RosterImport]:
    """Return the imports the actor may see."""
    return visible_rosters(actor)


def get_roster(actor: Actor, roster_id: uuid.UUID) -> RosterImport:
    """Return one import.

    Raises:
        NotFound: no such import, or not the actor's to see.
    """
    roster = visible_rosters(actor).filter(pk=roster_id).first()
    if roster is None:
        raise NotFound
    return roster


def list_rows(
    actor: Actor, roster_id: uuid.UUID, *, action: str = "", code: str = "", result: str = ""
) -> QuerySet[RosterRow]:
    """Return the rows of an import by number; empty filters filter nothing.

    Args:
        code: rows with a finding of this code in the plan, or this code as result of applying.

    Raises:
        NotFound: no such import, or not the actor's to see.
    """
    rows = RosterRow.objects.filter(roster_id=get_roster(actor, roster_id).pk)
    if action:
        rows = rows.filter(action=action)
    if result:
        rows = rows.filter(result=result)
    if code:
        rows = rows.filter(issues__contains=[{"code": code}]) | rows.filter(result_code=code)
    return rows
