"""What becomes of the places and rights of somebody who left the organization."""

import uuid
from typing import Any

from shared_apps.core import clock
from tenant_apps.runs.enums import EnrollmentState
from tenant_apps.runs.locks import run_to_fill
from tenant_apps.runs.models import Enrollment, RunRight, WaitingPlace
from tenant_apps.runs.services.enrollment_states import LEAVING
from tenant_apps.runs.services.waiting import do_promote_all


def withdraw_departed(member_id: uuid.UUID, user_id: uuid.UUID) -> dict[str, Any]:
    """Withdraw a removed member from every run not completed: the places are free for others, who are let in
    from the waiting lists, and whoever is invited again comes back to no course that their seat was given
    away for. Their rights on runs and their places on waiting lists end too.
    """
    places = Enrollment.objects.filter(member_id=member_id, state__in=LEAVING)
    run_ids = sorted(places.values_list("run_id", flat=True))
    for run_id in run_ids:  # the order of locks everywhere: runs by their keys, then enrollments
        run_to_fill(run_id).first()
    ids = list(places.select_for_update(no_key=True).order_by("id").values_list("id", flat=True))
    rights, _ = RunRight.objects.filter(user_id=user_id).delete()
    waiting, _ = WaitingPlace.objects.filter(member_id=member_id).delete()
    if ids:
        Enrollment.objects.filter(id__in=ids).update(state=EnrollmentState.WITHDRAWN, updated_at=clock.now())
        do_promote_all(run_ids)
    ended = {"enrollments": [str(each) for each in ids], "rights": rights}
    return ended | ({"waiting": waiting} if waiting else {})
