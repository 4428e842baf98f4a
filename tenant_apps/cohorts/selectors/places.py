"""Cohorts by name and who has a place in them, for comparing lists."""

import uuid
from collections.abc import Collection
from dataclasses import dataclass

from tenant_apps.cohorts.models import Cohort, CohortMember


@dataclass(frozen=True, slots=True)
class CohortEntry:
    """One cohort and the run that joining it enrols in."""

    cohort_id: uuid.UUID
    name: str
    run_id: uuid.UUID | None


def read_cohorts() -> list[CohortEntry]:
    """Return every cohort of the current organization."""
    return [CohortEntry(*row) for row in Cohort.objects.order_by("name").values_list("id", "name", "run_id")]


def read_places(
    *, cohort_ids: Collection[uuid.UUID], member_ids: Collection[uuid.UUID] | None = None
) -> set[tuple[uuid.UUID, uuid.UUID]]:
    """Return the taken places as (cohort id, member id); who left has none."""
    if not cohort_ids:
        return set()
    rows = CohortMember.objects.filter(cohort_id__in=cohort_ids, left_at__isnull=True)
    if member_ids is not None:
        rows = rows.filter(member_id__in=member_ids)
    return set(rows.order_by().values_list("cohort_id", "member_id"))
