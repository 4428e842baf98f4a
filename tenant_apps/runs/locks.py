"""Rows locked in one order: the run, then its enrollments."""

import uuid

from django.db.models import QuerySet

from tenant_apps.runs.models import CourseRun, Enrollment


def run_to_change(run_id: uuid.UUID) -> QuerySet[CourseRun]:
    """Lock the run against every other change, and against enrollments in flight (they hold its key)."""
    return CourseRun.objects.filter(pk=run_id).select_for_update(of=("self",))


def run_to_fill(run_id: uuid.UUID) -> QuerySet[CourseRun]:
    """Lock the run so that its places are counted by one transaction at a time."""
    return CourseRun.objects.filter(pk=run_id).order_by().select_for_update(of=("self",), no_key=True)


def enrollment_to_change(enrollment_id: uuid.UUID) -> QuerySet[Enrollment]:
    """Lock one enrollment; progress written against it needs no more than its key."""
    return Enrollment.objects.filter(pk=enrollment_id).order_by().select_for_update(of=("self",), no_key=True)


def enrollments_to_change(run_id: uuid.UUID) -> QuerySet[Enrollment]:
    """Lock everybody in the run, in one order; the run is locked before."""
    return (
        Enrollment.objects.filter(run_id=run_id).order_by("pk").select_for_update(of=("self",), no_key=True)
    )
