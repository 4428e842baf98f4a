"""End the access whose time is over: state and access together, for a whole organization by a few statements.

Access is refused at the instant itself, by the rows as they are; this brings the states after them, so that
lists, counts and places agree. Running it twice, or twice at once, changes nothing more.
"""

import uuid
from typing import Any

from django.db import connection

from shared_apps.audit.services import do_record
from shared_apps.core import clock
from shared_apps.core.actors import system_actor
from shared_apps.core.transactions import entry_transaction
from tenant_apps.runs.enums import ENROLLMENT_MOVES, EnrollmentState
from tenant_apps.runs.locks import run_to_fill
from tenant_apps.runs.models import CourseRun, Enrollment, WaitingPlace
from tenant_apps.runs.services.waiting import do_promote_all
from tenants.context import current_organization

EXPIRE = "runs.expire"

_ENDING = tuple(state for state, moves in ENROLLMENT_MOVES.items() if EnrollmentState.EXPIRED in moves)

# The audit log names single people up to here, and counts beyond.
_NAMED = 1000

# The rows are looked at again under their locks, which are taken in everybody's order: whoever got more time
# meanwhile stays.
_EXPIRE = """
WITH due AS (
    SELECT id FROM runs_enrollment
     WHERE expires_at IS NOT NULL AND expires_at <= %(now)s AND state = ANY(%(states)s)
       AND run_id = ANY(%(runs)s)
     ORDER BY id FOR NO KEY UPDATE
)
UPDATE runs_enrollment e SET state = 'expired', state_reason = '', updated_at = %(now)s
  FROM due WHERE e.id = due.id
RETURNING e.id, e.run_id
"""


def expire_enrollments() -> int:
    """Expire the current organization's enrollments whose last grant is over, give their places to whoever
    waits, and return how many they were. Lists of runs with free places are gone through as well: somebody on
    them may have got a seat since.
    """
    with entry_transaction():
        now = clock.now()
        due = Enrollment.objects.filter(expires_at__isnull=False, expires_at__lte=now, state__in=_ENDING)
        run_ids = sorted(set(due.order_by().values_list("run_id", flat=True)))
        waited_for = WaitingPlace.objects.order_by().values_list("run_id", flat=True).distinct()
        # Runs without a limit have places for all, and nobody waits for them unless passed over before.
        counted = CourseRun.objects.filter(pk__in=run_ids, capacity__isnull=False)
        for run_id in sorted({*counted.values_list("pk", flat=True), *waited_for}):
            run_to_fill(run_id).first()
        ended = _expire(run_ids, now)
        do_promote_all(waited_for.all())
        if ended:
            _record(ended)
    return len(ended)


def _expire(run_ids: list[uuid.UUID], now: Any) -> list[tuple[uuid.UUID, uuid.UUID]]:
    if not run_ids:
        return []
    names = {"now": now, "states": [state.value for state in _ENDING], "runs": run_ids}
    with connection.cursor() as cursor:
        cursor.execute(_EXPIRE, names)
        return list(cursor.fetchall())


def _record(ended: list[tuple[uuid.UUID, uuid.UUID]]) -> None:
    organization_id = current_organization().id
    changes: dict[str, Any] = {"count": len(ended)}
    changes["enrollments"] = [str(enrollment_id) for enrollment_id, _ in ended[:_NAMED]]
    do_record(
        actor=system_actor(EXPIRE, organization_id),
        action=EXPIRE,
        organization_id=organization_id,
        target_kind="enrollment",
        target_id=ended[0][0],
        changes=changes,
    )
