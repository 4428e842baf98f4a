"""What paths need to know of courses and runs, and of how far people are in them."""

import uuid
from collections.abc import Collection

from django.db import connection
from django.db.models import Q

from shared_apps.core.actors import Actor
from tenant_apps.courses.enums import PriceType
from tenant_apps.courses.policies import PUBLISH_RIGHT, courses_with_right, visible_courses
from tenant_apps.paths.policies import sees_everything
from tenant_apps.runs.policies import ENROL, runs_with_right, visible_runs


def courses_in_sight(actor: Actor, course_ids: Collection[uuid.UUID]) -> set[uuid.UUID]:
    """Return those of the ids that are courses the actor may know of."""
    return set(visible_courses(actor).filter(pk__in=course_ids).order_by().values_list("pk", flat=True))


def courses_to_give(actor: Actor, course_ids: Collection[uuid.UUID]) -> set[uuid.UUID]:
    """Return those of the ids that are courses which the actor may open to others by a step.

    A path lets its people into courses: whoever makes one gives away only what every member can take for
    nothing, and what is theirs to publish or to enrol people in.
    """
    seen = visible_courses(actor).filter(pk__in=course_ids).order_by()
    if not sees_everything(actor):
        # Courses store only the switches that differ from their default, and this one's is on.
        joinable = Q(switches__self_enrollment__isnull=True) | Q(switches__self_enrollment=True)
        for_all = joinable & Q(price_type=PriceType.FREE, is_listed=True)
        own = courses_with_right(actor, PUBLISH_RIGHT).values("pk")
        seen = seen.filter(
            for_all | Q(pk__in=own) | Q(pk__in=runs_with_right(actor, ENROL).values("course_id"))
        )
    return set(seen.values_list("pk", flat=True))


def runs_to_give(actor: Actor, run_ids: Collection[uuid.UUID]) -> set[uuid.UUID]:
    """Return those of the ids that are runs which the actor may let others into by a step: those they may
    enrol people in, and those that are open to every member for nothing."""
    seen = visible_runs(actor).filter(pk__in=run_ids).order_by()
    if not sees_everything(actor):
        for_all = Q(is_open_to_members=True) & (Q(price_minor=None) | Q(price_minor=0))
        seen = seen.filter(for_all | Q(pk__in=runs_with_right(actor, ENROL).values("pk")))
    return set(seen.values_list("pk", flat=True))


def courses_that_can_be_given(course_ids: Collection[uuid.UUID]) -> set[uuid.UUID]:
    """Return those of the ids that are published courses."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM courses_course WHERE id = ANY(%s) AND state = 'published' AND deleted_at IS NULL",
            [list(course_ids)],
        )
        return {row[0] for row in cursor.fetchall()}


def courses_of_runs(actor: Actor, run_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, uuid.UUID]:
    """Return run id -> course id of those runs the actor may know of."""
    return dict(visible_runs(actor).filter(pk__in=run_ids).order_by().values_list("pk", "course_id"))


def completed_courses(
    member_ids: Collection[uuid.UUID], course_ids: Collection[uuid.UUID]
) -> set[tuple[uuid.UUID, uuid.UUID]]:
    """Return (member id, course id) wherever the member has completed the course, in whichever run or
    attempt."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT DISTINCT e.member_id, r.course_id
              FROM runs_enrollment e JOIN runs_courserun r ON r.id = e.run_id
             WHERE e.member_id = ANY(%(members)s) AND r.course_id = ANY(%(courses)s)
               AND (e.state = 'completed'
                    OR EXISTS (SELECT 1 FROM learning_enrollmentattempt a
                                WHERE a.enrollment_id = e.id AND a.state = 'completed'))
            """,
            {"members": list(member_ids), "courses": list(course_ids)},
        )
        return {(member_id, course_id) for member_id, course_id in cursor.fetchall()}
