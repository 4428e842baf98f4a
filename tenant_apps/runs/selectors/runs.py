"""Read runs, with how many people are in them."""

import uuid
from typing import Any

from django.db import connection
from django.db.models import Count, F, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from shared_apps.core.actors import Actor
from shared_apps.core.errors import NotFound
from shared_apps.core.policies import require
from tenant_apps.runs.enums import OCCUPYING, EnrollmentState
from tenant_apps.runs.models import CourseRun, Enrollment
from tenant_apps.runs.policies import STAFF, VIEW, visible_runs

RUN_FIELDS = (
    "id",
    "course_id",
    "course_title",
    "version_id",
    "version_number",
    "title",
    "state",
    "starts_at",
    "ends_at",
    "timezone",
    "capacity",
    "enrolled_count",
    "completed_count",
    "created_at",
    "updated_at",
)


def list_runs(*, actor: Actor, course_id: uuid.UUID | None = None) -> QuerySet[CourseRun, dict[str, Any]]:
    """Return the runs the actor sees, as dicts with `RUN_FIELDS`; counts come with the page's one query.

    Raises:
        Forbidden, Unauthenticated: the actor may not see runs at all.
    """
    require(actor, VIEW)
    found = visible_runs(actor)
    return _with_counts(found.filter(course_id=course_id) if course_id else found)


def get_run(*, actor: Actor, run_id: uuid.UUID) -> dict[str, Any]:
    """Return one run with `RUN_FIELDS`.

    Raises:
        NotFound: no such run, or none the actor sees.
    """
    require(actor, VIEW)
    found = _with_counts(visible_runs(actor).filter(pk=run_id)).first()
    if found is None:
        raise NotFound
    return found


def require_visible_run(*, actor: Actor, run_id: uuid.UUID) -> None:
    """Raise NotFound unless the actor sees the run."""
    if not visible_runs(actor).filter(pk=run_id).exists():
        raise NotFound


def list_staff(*, actor: Actor, run_id: uuid.UUID) -> list[dict[str, Any]]:
    """Return who holds which rights on the run: dicts of member_id, name, email and rights.

    Raises:
        Forbidden: the actor may not manage the run's staff.
        NotFound: no such run, or none the actor sees.
    """
    require(actor, STAFF, run_id)
    require_visible_run(actor=actor, run_id=run_id)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT m.id, concat_ws(' ', nullif(m.first_name, ''), nullif(m.last_name, '')), m.email,
                   array_agg(p.codename::text ORDER BY p.codename)
              FROM runs_runright r
              JOIN auth_permission p ON p.id = r.permission_id
              JOIN people_member m ON m.user_id = r.user_id
             WHERE r.content_object_id = %s
             GROUP BY m.id
             ORDER BY m.last_name, m.first_name, m.id
            """,
            [run_id],
        )
        return [
            dict(zip(("member_id", "name", "email", "rights"), row, strict=True)) for row in cursor.fetchall()
        ]


def find_published_version(*, course_id: uuid.UUID, version_id: uuid.UUID) -> bool:
    """Tell whether the version is a published one of that course, and the course can still be given."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT 1 FROM courses_courseversion v JOIN courses_course c ON c.id = v.course_id
             WHERE v.id = %s AND c.id = %s AND v.state = 'published'
               AND c.deleted_at IS NULL AND c.state <> 'archived'
            """,
            [version_id, course_id],
        )
        return cursor.fetchone() is not None


def _with_counts(runs: QuerySet[CourseRun]) -> QuerySet[CourseRun, dict[str, Any]]:
    def number_in(*states: EnrollmentState) -> Coalesce:
        counted = (
            Enrollment.objects.filter(run_id=OuterRef("pk"), state__in=states)
            .order_by()
            .values("run_id")
            .annotate(number=Count("*"))
            .values("number")
        )
        return Coalesce(Subquery(counted, output_field=IntegerField()), 0)

    found: QuerySet[CourseRun, dict[str, Any]] = runs.values(
        *[name for name in RUN_FIELDS if not name.endswith(("_title", "_number", "_count"))],
        course_title=F("course__title"),
        version_number=F("version__number"),
        enrolled_count=number_in(*sorted(OCCUPYING)),
        completed_count=number_in(EnrollmentState.COMPLETED),
    )
    return found
