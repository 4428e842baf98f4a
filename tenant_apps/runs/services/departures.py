"""What becomes of the places and rights of somebody who left the organization."""

import uuid
from typing import Any

from shared_apps.core import clock
from tenant_apps.runs.enums import ENROLLMENT_MOVES, EnrollmentState
from tenant_apps.runs.models import Enrollment, RunRight

_LEAVING = [state for state, moves in ENROLLMENT_MOVES.items() if EnrollmentState.WITHDRAWN in moves]


def withdraw_departed(member_id: uuid.UUID, user_id: uuid.UUID) -> dict[str, Any]:
    """Withdraw a removed member from every run not completed: the places are free for others, and whoever
    is invited again comes back to no course that their seat was given away for. Their rights on runs end too.
    """
    places = Enrollment.objects.select_for_update(no_key=True).filter(member_id=member_id, state__in=_LEAVING)
    ids = list(places.order_by("id").values_list("id", flat=True))
    rights, _ = RunRight.objects.filter(user_id=user_id).delete()
    if ids:
        Enrollment.objects.filter(id__in=ids).update(state=EnrollmentState.WITHDRAWN, updated_at=clock.now())
    return {"enrollments": [str(each) for each in ids], "rights": rights}
