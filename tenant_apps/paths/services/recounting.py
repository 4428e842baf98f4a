"""How far people are along a path: one rule for one place and for all of them."""

import uuid
from collections import defaultdict
from collections.abc import Sequence

from shared_apps.core import clock
from shared_apps.core.ids import new_id
from shared_apps.core.transactions import require_transaction
from shared_apps.outbox.services.messages import Message, do_send
from tenant_apps.paths.enums import PathEnrollmentState, StepKind, StepState
from tenant_apps.paths.models import PathEnrollment, PathStep, StepRecord
from tenants.context import current_organization

PATH_COMPLETED = "event.path_completed"


def steps_of(path_id: uuid.UUID) -> list[PathStep]:
    """Return the steps that count, in order."""
    return list(PathStep.objects.filter(path_id=path_id, removed_at__isnull=True).order_by("position", "id"))


def do_recount(places: Sequence[PathEnrollment], steps: Sequence[PathStep]) -> None:
    """Write percent, current step and completion of locked places of one path, in a number of statements
    that does not grow with them. Milestones that are reached by themselves are completed here.

    The percentage is that of the required steps, or of all where none is required. Whoever has completed the
    path has, whatever becomes of its steps.
    """
    require_transaction()
    done: dict[uuid.UUID, set[uuid.UUID]] = defaultdict(set)
    rows = StepRecord.objects.filter(enrollment__in=[place.pk for place in places], state=StepState.COMPLETED)
    for enrollment_id, step_id in rows.values_list("enrollment_id", "step_id"):
        done[enrollment_id].add(step_id)
    reached = [(place, step) for place in places for step in _milestones_reached(steps, done[place.pk])]
    now = clock.now()
    StepRecord.objects.bulk_create(
        [
            StepRecord(id=new_id(), enrollment=place, step=step, state=StepState.COMPLETED, completed_at=now)
            for place, step in reached
        ],
        update_conflicts=True,
        unique_fields=["enrollment", "step"],
        update_fields=["state", "completed_at", "updated_at"],
    )
    completed = []
    for place in places:
        if place.state == PathEnrollmentState.COMPLETED:
            place.percent, place.current_step_id = 100, None
            continue
        counted = [step for step in steps if step.is_required] or list(steps)
        finished = sum(step.pk in done[place.pk] for step in counted)
        place.percent = finished * 100 // len(counted) if counted else 0
        left = [step for step in steps if step.pk not in done[place.pk]]
        wanted = next((step for step in left if step.is_required), left[0] if left else None)
        place.current_step_id = wanted.pk if wanted else None
        if counted and finished == len(counted) and place.state != PathEnrollmentState.WITHDRAWN:
            place.state, place.completed_at, place.paused_at = PathEnrollmentState.COMPLETED, now, None
            completed.append(place)
    for place in places:
        place.updated_at = now
    names = ["percent", "current_step", "state", "completed_at", "paused_at", "updated_at"]
    PathEnrollment.objects.bulk_update(places, names, batch_size=1000)
    events = [
        Message(
            PATH_COMPLETED,
            {
                "path_enrollment_id": str(place.pk),
                "path_id": str(place.path_id),
                "member_id": str(place.member_id),
            },
            dedupe_key=f"path_completed:{place.pk}",
        )
        for place in completed
    ]
    if events:
        do_send(events, organization_id=current_organization().id)


def _milestones_reached(steps: Sequence[PathStep], done: set[uuid.UUID]) -> list[PathStep]:
    """Return the milestones that are reached now, and count them as done: one may lead to the next."""
    found = []
    for place, step in enumerate(steps):
        if step.kind != StepKind.MILESTONE or step.is_by_hand or step.is_locked or step.pk in done:
            continue
        if all(each.pk in done for each in steps[:place] if each.is_required):
            done.add(step.pk)
            found.append(step)
    return found
