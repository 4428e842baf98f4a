"""A completed course completes the steps that ask for it."""

import uuid

from shared_apps.core import clock
from shared_apps.core.transactions import entry_transaction
from shared_apps.outbox.types import Outgoing
from tenant_apps.paths.enums import PathEnrollmentState, StepState
from tenant_apps.paths.models import PathEnrollment, PathStep, StepRecord
from tenant_apps.paths.services.recounting import do_recount, steps_of


def follow_course(message: Outgoing) -> None:
    """Take note of a completed course on every path its learner is on, paused ones too: it is done. Safe to
    repeat."""
    member_id = uuid.UUID(str(message.payload["member_id"]))
    course_id = uuid.UUID(str(message.payload["course_id"]))
    with entry_transaction():
        found = PathStep.objects.filter(course_id=course_id, removed_at__isnull=True)
        places = (
            PathEnrollment.objects.filter(member_id=member_id, path_id__in=found.values("path_id"))
            .exclude(state=PathEnrollmentState.WITHDRAWN)
            .order_by("id")
            .select_for_update(of=("self",), no_key=True)
        )
        now = clock.now()
        for place in list(places):
            steps = steps_of(place.path_id)
            for step in steps:
                if step.course_id == course_id:
                    StepRecord.objects.get_or_create(enrollment=place, step=step)
                    StepRecord.objects.filter(enrollment=place, step=step).exclude(
                        state=StepState.COMPLETED
                    ).update(state=StepState.COMPLETED, completed_at=now, updated_at=now)
            do_recount([place], steps)
