"""Rows locked in one order: the course, then the version."""

import uuid
from collections.abc import Iterable
from typing import Literal

from django.db import connection
from django.db.models import Q, QuerySet

from shared_apps.core.transactions import require_transaction
from tenant_apps.courses.models import Course, CourseInstructor, CourseVersion, InstructorProfile
from tenants.context import current_organization


def course_to_change(course_id: uuid.UUID) -> QuerySet[Course]:
    """Lock the course against every other change: numbers of drafts, states, the current version."""
    return Course.objects.filter(pk=course_id).order_by().select_for_update(of=("self",), no_key=True)


def version_to_change(version_id: uuid.UUID) -> QuerySet[CourseVersion]:
    """Lock the version, so that edits happen one after another and each sees the revision it asked for."""
    return CourseVersion.objects.filter(pk=version_id).order_by().select_for_update(of=("self",), no_key=True)


def courses_of_member(member_id: uuid.UUID) -> QuerySet[Course]:
    """Lock the courses that the member owns or has a part in, deleted ones too, by key."""
    parts = CourseInstructor.objects.filter(member_id=member_id).values("course_id")
    own = Course.objects.filter(Q(owner_id=member_id) | Q(pk__in=parts))
    return own.order_by("pk").select_for_update(of=("self",), no_key=True)


def profile_to_change(member_id: uuid.UUID) -> QuerySet[InstructorProfile]:
    """Lock an instructor's card, so that edits and decisions come one after another."""
    return InstructorProfile.objects.filter(pk=member_id).select_for_update(of=("self",), no_key=True)


def version_to_copy(course_id: uuid.UUID, version_id: uuid.UUID) -> Iterable[CourseVersion]:
    """Lock a version of the course against edits, not against other copies; Django has no FOR SHARE."""
    return CourseVersion.objects.raw(
        "SELECT * FROM courses_courseversion WHERE id = %s AND course_id = %s FOR SHARE",
        [version_id, course_id],
    )


def take_turn(graph: Literal["categories", "prerequisites"]) -> None:
    """Wait until nobody else changes the organization's graph, and keep it until the transaction ends.

    Two edges that are each harmless can close a circle together, and no row lock is on both; so whoever
    adds edges does it alone. Taken before any course is locked, or two editors could wait for each other.
    """
    require_transaction()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))",
            [f"courses.{graph}:{current_organization().id.hex}"],
        )
