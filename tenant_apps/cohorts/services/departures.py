"""What becomes of the cohort places and rights of somebody who left the organization."""

import uuid
from typing import Any

from shared_apps.core import clock
from tenant_apps.cohorts.models import CohortMember, CohortRight


def leave_departed(member_id: uuid.UUID, user_id: uuid.UUID) -> dict[str, Any]:
    """Take a removed member out of every cohort, and their rights on cohorts away. The runs hear of the
    departure themselves."""
    # In the order in which lists of people are given their places.
    places = CohortMember.objects.filter(member_id=member_id, left_at__isnull=True).order_by("cohort_id")
    cohorts = dict(places.select_for_update(no_key=True).values_list("id", "cohort_id"))
    if cohorts:
        now = clock.now()
        CohortMember.objects.filter(id__in=list(cohorts)).update(left_at=now, updated_at=now)
    rights, _ = CohortRight.objects.filter(user_id=user_id).delete()
    return {"left": [str(each) for each in cohorts.values()], "rights": rights}
