"""A run as whoever may move it to another version sees it."""

import uuid
from dataclasses import dataclass

from shared_apps.core.actors import Actor
from shared_apps.core.errors import NotFound
from shared_apps.core.policies import may, require
from tenant_apps.runs.models import CourseRun
from tenant_apps.runs.policies import EDIT, visible_runs


@dataclass(frozen=True, slots=True)
class MovableRun:
    """What a move is reckoned from. `is_dripped`: the course lets its release rules count."""

    id: uuid.UUID
    course_id: uuid.UUID
    version_id: uuid.UUID
    state: str
    timezone: str
    is_dripped: bool


def get_run_to_move(*, actor: Actor, run_id: uuid.UUID) -> MovableRun:
    """Return the run.

    Raises:
        NotFound: no such run, or none the actor sees.
        Forbidden: the actor may not change it.
    """
    run = visible_runs(actor).filter(pk=run_id).select_related("course").order_by().first()
    if run is None:
        raise NotFound
    require(actor, EDIT, run_id)
    return movable(run)


def may_move_run(*, actor: Actor, run_id: uuid.UUID) -> bool:
    """Tell whether the actor may move the run, for what screens offer."""
    return may(actor, EDIT, run_id)


def movable(run: CourseRun) -> MovableRun:
    """Return the facts of a run whose course is joined."""
    return MovableRun(
        id=run.id,
        course_id=run.course_id,
        version_id=run.version_id,
        state=run.state,
        timezone=run.timezone,
        is_dripped=run.course.switches.get("drip") is not False,
    )
