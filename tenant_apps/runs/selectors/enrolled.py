"""Room in runs and who is in them, for comparing lists."""

import uuid
from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import Count, Q

from shared_apps.core import clock
from tenant_apps.runs.enums import OCCUPYING, RunState
from tenant_apps.runs.models import CourseRun, Enrollment


@dataclass(frozen=True, slots=True)
class RunRoom:
    """Whether a run takes people, and how many more; `free` is None where everybody fits."""

    run_id: uuid.UUID
    is_open: bool
    free: int | None


def read_room(run_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, RunRoom]:
    """Return the room in each of the runs; unknown ids are left out. One statement."""
    if not run_ids:
        return {}
    now = clock.now()
    rows = (
        CourseRun.objects.filter(id__in=run_ids)
        .annotate(taken=Count("enrollments", filter=Q(enrollments__state__in=OCCUPYING)))
        .order_by()
        .values_list("id", "state", "ends_at", "capacity", "taken")
    )
    return {
        run_id: RunRoom(
            run_id,
            state == RunState.OPEN and (ends_at is None or ends_at > now),
            None if capacity is None else max(0, capacity - taken),
        )
        for run_id, state, ends_at, capacity, taken in rows
    }


def read_enrolled(
    *, run_ids: Collection[uuid.UUID], member_ids: Collection[uuid.UUID] | None = None
) -> set[tuple[uuid.UUID, uuid.UUID]]:
    """Return (run id, member id) of every enrollment, withdrawn ones too: those were ended on purpose."""
    if not run_ids:
        return set()
    rows = Enrollment.objects.filter(run_id__in=run_ids)
    if member_ids is not None:
        rows = rows.filter(member_id__in=member_ids)
    return set(rows.order_by().values_list("run_id", "member_id"))
