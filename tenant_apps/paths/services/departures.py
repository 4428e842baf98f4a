"""What becomes of the places and rights of somebody who left the organization."""

import uuid
from typing import Any

from shared_apps.core import clock
from tenant_apps.paths.enums import PATH_ENROLLMENT_MOVES, PathEnrollmentState
from tenant_apps.paths.models import PathEnrollment, PathRight

_LEAVING = [state for state, moves in PATH_ENROLLMENT_MOVES.items() if PathEnrollmentState.WITHDRAWN in moves]


def withdraw_departed(member_id: uuid.UUID, user_id: uuid.UUID) -> dict[str, Any]:
    """Take a removed member off every path that is not completed, and their rights on paths away."""
    places = PathEnrollment.objects.filter(member_id=member_id, state__in=_LEAVING)
    ids = list(places.order_by("id").select_for_update(no_key=True).values_list("id", flat=True))
    if ids:
        PathEnrollment.objects.filter(id__in=ids).update(
            state=PathEnrollmentState.WITHDRAWN, paused_at=None, updated_at=clock.now()
        )
    rights, _ = PathRight.objects.filter(user_id=user_id).delete()
    return {"paths": [str(each) for each in ids], "rights": rights}
