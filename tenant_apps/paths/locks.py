"""Rows locked in one order: the path, then places on it."""

import uuid

from django.db.models import QuerySet

from tenant_apps.paths.models import LearningPath, PathEnrollment


def path_to_change(path_id: uuid.UUID) -> QuerySet[LearningPath]:
    """Lock the path against every other change of it and its steps."""
    return LearningPath.objects.filter(pk=path_id).order_by().select_for_update(of=("self",), no_key=True)


def place_to_change(enrollment_id: uuid.UUID) -> QuerySet[PathEnrollment]:
    """Lock one place, so that its steps follow each other."""
    rows = PathEnrollment.objects.filter(pk=enrollment_id).order_by()
    return rows.select_for_update(of=("self",), no_key=True)


def places_to_change(path_id: uuid.UUID) -> QuerySet[PathEnrollment]:
    """Lock every place on the path, in order of their keys."""
    rows = PathEnrollment.objects.filter(path_id=path_id).order_by("id")
    return rows.select_for_update(of=("self",), no_key=True)
