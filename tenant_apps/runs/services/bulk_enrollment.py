"""What a list of people needs to know of runs before it enrols many at once (with `enrolling.do_enroll`)."""

import uuid
from collections.abc import Collection

from shared_apps.core.transactions import require_transaction
from tenant_apps.runs.models import CourseRun, WaitingPlace
from tenant_apps.runs.selectors.enrolled import RunRoom, read_room
from tenant_apps.runs.services.waiting import do_promote_all


def do_lock_room(run_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, RunRoom]:
    """Lock the runs, in order of their keys, and return the room in them as it will stay until the commit."""
    require_transaction()
    if not run_ids:
        return {}
    # Evaluated before the count, in a statement of its own: a count made in the locking statement would not
    # see what the transaction we waited for has enrolled.
    list(
        CourseRun.objects.select_for_update(of=("self",), no_key=True)
        .filter(id__in=run_ids)
        .order_by("id")
        .values_list("id", flat=True)
    )
    # Whoever waits goes first, and would be let in before the list anyway.
    do_promote_all(WaitingPlace.objects.filter(run_id__in=run_ids).values_list("run_id", flat=True))
    return read_room(run_ids)
