"""Steps that make cohorts by name and seat many members in them with a fixed number of statements."""

import uuid
from collections.abc import Iterable

from shared_apps.core import clock
from shared_apps.core.transactions import require_transaction
from tenant_apps.cohorts.models import Cohort, CohortMember


def do_ensure_cohorts(names: Iterable[str]) -> dict[str, uuid.UUID]:
    """Make the cohorts that do not exist yet, and return the id of each name."""
    require_transaction()
    wanted = sorted(set(names))
    if not wanted:
        return {}
    Cohort.objects.bulk_create([Cohort(name=name) for name in wanted], ignore_conflicts=True)
    return dict(Cohort.objects.filter(name__in=wanted).order_by().values_list("name", "id"))


def do_give_places(places: Iterable[tuple[uuid.UUID, uuid.UUID]]) -> None:
    """Give each (cohort id, member id) a place; who left comes back, who is there stays.

    Only the places: what joining does to enrollments is the caller's next step.
    """
    require_transaction()
    now = clock.now()
    rows = [
        CohortMember(cohort_id=cohort_id, member_id=member_id, created_at=now, updated_at=now)
        for cohort_id, member_id in sorted(set(places))
    ]
    if rows:
        CohortMember.objects.bulk_create(
            rows,
            update_conflicts=True,
            unique_fields=["cohort", "member"],
            update_fields=["left_at", "updated_at"],
        )
