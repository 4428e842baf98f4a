"""Rows locked in one order: the course, then the version."""

import uuid

from django.db.models import QuerySet

from tenant_apps.courses.models import Course, CourseVersion


def course_to_change(course_id: uuid.UUID) -> QuerySet[Course]:
    """Lock the course against every other change: numbers of drafts, states, the current version."""
    return Course.objects.filter(pk=course_id).order_by().select_for_update(of=("self",), no_key=True)


def version_to_change(version_id: uuid.UUID) -> QuerySet[CourseVersion]:
    """Lock the version, so that edits happen one after another and each sees the revision it asked for."""
    return CourseVersion.objects.filter(pk=version_id).order_by().select_for_update(of=("self",), no_key=True)
