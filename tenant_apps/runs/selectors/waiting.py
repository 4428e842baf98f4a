"""Who waits for a place in a run, in order."""

import uuid
from typing import Any

from shared_apps.core.actors import Actor
from shared_apps.core.policies import require
from tenant_apps.runs.models import WaitingPlace
from tenant_apps.runs.policies import ENROL_MEMBERS, only_reports_of
from tenant_apps.runs.selectors.candidates import find_candidates, refusal_of
from tenant_apps.runs.selectors.runs import require_visible_run
from tenants.context import current_organization


def list_waiting(*, actor: Actor, run_id: uuid.UUID) -> list[dict[str, Any]]:
    """Return the run's waiting list: place (from 1), who, since when, who asked, and `passed_over`, the code
    of what would keep them out if a place became free now. A manager sees own reports, with their true
    places.

    Raises:
        NotFound: no such run, or none the actor sees.
        Forbidden: the actor may not enrol people here.
    """
    require_visible_run(actor=actor, run_id=run_id)
    require(actor, ENROL_MEMBERS, run_id)
    manager_id = only_reports_of(actor, run_id)
    listed = list(
        WaitingPlace.objects.filter(run_id=run_id).select_related("member").order_by("created_at", "id")
    )
    known = find_candidates(
        organization_id=current_organization().id,
        run_id=run_id,
        member_ids=[place.member_id for place in listed],
    )
    rows = []
    for number, place in enumerate(listed, 1):
        if manager_id is not None and place.member.manager_id != manager_id:
            continue
        refusal = refusal_of(known[place.member_id])
        rows.append(
            {
                "place": number,
                "member_id": place.member_id,
                "member_name": place.member.display_name,
                "member_email": place.member.email,
                "source": place.source,
                "asked_by_id": place.asked_by_id,
                "waiting_since": place.created_at,
                "passed_over": refusal.code if refusal else None,
            }
        )
    return rows
