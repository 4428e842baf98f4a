"""Learning again: the next attempt of an enrollment."""

import uuid

from django.db.models import F

from shared_apps.core import clock
from shared_apps.core.transactions import require_transaction
from tenant_apps.runs.enums import EnrollmentState
from tenant_apps.runs.models import Enrollment

# A completed enrollment goes back to active this way and no other.
RESTARTED_FROM = frozenset({EnrollmentState.ACTIVE, EnrollmentState.COMPLETED})


def do_begin_attempt(*, enrollment_id: uuid.UUID) -> bool:
    """Begin the next attempt of an enrollment whose row the caller has locked; False from a state that has
    none. `completed_at` stays: what was completed once counts for what builds on it."""
    require_transaction()
    now = clock.now()
    begun = Enrollment.objects.filter(pk=enrollment_id, state__in=RESTARTED_FROM).update(
        attempt=F("attempt") + 1, state=EnrollmentState.ACTIVE, started_at=now, updated_at=now
    )
    return begun == 1
