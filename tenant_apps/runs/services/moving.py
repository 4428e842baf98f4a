"""Steps of moving a run to another version: its lock, its version, and what becomes of states."""

import uuid
from collections.abc import Collection
from datetime import datetime

from shared_apps.core import clock
from shared_apps.core.actors import Actor
from shared_apps.core.errors import NotFound
from shared_apps.core.policies import require
from shared_apps.core.transactions import require_transaction
from tenant_apps.runs.enums import ENROLLMENT_MOVES, EnrollmentState
from tenant_apps.runs.locks import enrollments_to_change, run_to_change
from tenant_apps.runs.models import CourseRun, Enrollment
from tenant_apps.runs.policies import EDIT, visible_runs
from tenant_apps.runs.selectors.moving import MovableRun, movable


def do_lock_run_to_move(*, actor: Actor, run_id: uuid.UUID) -> MovableRun:
    """Lock the run, then everybody in it: nobody is enrolled and no lesson completed until the move is done.

    Raises:
        NotFound: no such run, or none the actor sees.
        Forbidden: the actor may not change it.
    """
    require_transaction()
    run = (
        run_to_change(run_id)
        .filter(pk__in=visible_runs(actor).values("pk"))
        .select_related("course")
        .order_by()
        .first()
    )
    if run is None:
        raise NotFound
    require(actor, EDIT, run_id)
    list(enrollments_to_change(run_id).values_list("pk"))
    return movable(run)


def do_change_version(*, run_id: uuid.UUID, version_id: uuid.UUID) -> None:
    """Pin the locked run to another version of its course; which one was checked by the caller."""
    require_transaction()
    CourseRun.objects.filter(pk=run_id).update(version_id=version_id, updated_at=clock.now())


def do_complete_many(*, enrollment_ids: Collection[uuid.UUID], at: datetime) -> None:
    """Complete these locked enrollments."""
    require_transaction()
    sources = [state for state, moves in ENROLLMENT_MOVES.items() if EnrollmentState.COMPLETED in moves]
    Enrollment.objects.filter(pk__in=enrollment_ids, state__in=sources).update(
        state=EnrollmentState.COMPLETED, completed_at=at, updated_at=at
    )


def do_take_back_completions(*, enrollment_ids: Collection[uuid.UUID]) -> None:
    """Make these locked enrollments active again: the move that completed them is undone, so they never were.

    No move of the state machine, in which what somebody completed stays completed.
    """
    require_transaction()
    Enrollment.objects.filter(pk__in=enrollment_ids, state=EnrollmentState.COMPLETED).update(
        state=EnrollmentState.ACTIVE, completed_at=None, updated_at=clock.now()
    )
