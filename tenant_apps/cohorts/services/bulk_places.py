"""Steps that make cohorts by name and seat many members in them with a fixed number of statements."""

import uuid
from collections.abc import Iterable

from django.db import connection

from shared_apps.core import clock
from shared_apps.core.ids import new_id
from shared_apps.core.transactions import require_transaction
from tenant_apps.cohorts.models import Cohort


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
    wanted = sorted(set(places))
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO cohorts_cohortmember (id, created_at, updated_at, cohort_id, member_id)
            SELECT id, %(now)s, %(now)s, cohort_id, member_id
              FROM unnest(%(ids)s::uuid[], %(cohorts)s::uuid[], %(members)s::uuid[])
                   AS new (id, cohort_id, member_id)
                ON CONFLICT (cohort_id, member_id) DO UPDATE SET left_at = NULL, updated_at = %(now)s
             WHERE cohorts_cohortmember.left_at IS NOT NULL
            """,
            {
                "now": clock.now(),
                "ids": [new_id() for _ in wanted],
                "cohorts": [cohort_id for cohort_id, _ in wanted],
                "members": [member_id for _, member_id in wanted],
            },
        )
