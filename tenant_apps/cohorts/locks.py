"""The lock of cohorts: the cohort's row, before its places and before any run."""

import uuid

from django.db.models import QuerySet

from tenant_apps.cohorts.models import Cohort


def cohort_to_change(cohort_id: uuid.UUID) -> QuerySet[Cohort]:
    """Lock one cohort; joining, leaving and a new run follow each other."""
    return Cohort.objects.filter(pk=cohort_id).order_by().select_for_update(of=("self",))
