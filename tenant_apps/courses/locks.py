"""Rows locked in one order: the course, then the version."""

import uuid
from collections.abc import Iterable

from django.db.models import QuerySet

from tenant_apps.courses.models import Course, CourseVersion


def course_to_change(course_id: uuid.UUID) -> QuerySet[Course]:
    """Lock the course against every other change: numbers of drafts, states, the current version."""
    return Course.objects.filter(pk=course_id).order_by().select_for_update(of=("self",), no_key=True)


def version_to_change(version_id: uuid.UUID) -> QuerySet[CourseVersion]:
    """Lock the version, so that edits happen one after another and each sees the revision it asked for."""
    return CourseVersion.objects.filter(pk=version_id).order_by().select_for_update(of=("self",), no_key=True)


def version_to_copy(course_id: uuid.UUID, version_id: uuid.UUID) -> Iterable[CourseVersion]:
    """Lock a version of the course against edits, not against other copies; Django has no FOR SHARE."""
    return CourseVersion.objects.raw(
        "SELECT * FROM courses_courseversion WHERE id = %s AND course_id = %s FOR SHARE",
        [version_id, course_id],
    )
