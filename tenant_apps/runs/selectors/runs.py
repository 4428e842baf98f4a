"""Read runs, with how many people are in them."""

import uuid
from typing import Any

from django.db import connection
from django.db.models import Count, F, IntegerField, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce, Lower

from shared_apps.core import clock
from shared_apps.core.actors import Actor
from shared_apps.core.errors import NotFound
from shared_apps.core.policies import require
from tenant_apps.runs.enums import OCCUPYING, EnrollmentState, RunState
from tenant_apps.runs.models import CourseRun, Enrollment, WaitingPlace
from tenant_apps.runs.policies import (
    RIGHTS,
    STAFF,
    VIEW,
    runs_with_right,
    visible_enrollments,
    visible_runs,
)
from tenant_apps.runs.selectors.acts import held_rights, run_acts

RUN_FIELDS = (
    "id",
    "course_id",
    "version_id",
    "title",
    "state",
    "starts_at",
    "starts_local",
    "ends_at",
    "ends_local",
    "enrollment_opens_at",
    "enrollment_opens_local",
    "enrollment_closes_at",
    "enrollment_closes_local",
    "timezone",
    "pacing",
    "capacity",
    "is_always_open",
    "has_waiting_list",
    "is_open_to_members",
    "price_minor",
    "currency",
    "created_at",
    "updated_at",
)


def list_runs(
    *,
    actor: Actor,
    course_id: uuid.UUID | None = None,
    state: str | None = None,
    window: str | None = None,
    taught_by_me: bool = False,
    joinable: bool = False,
    search: str = "",
) -> QuerySet[CourseRun, dict[str, Any]]:
    """Return the runs the actor sees, as dicts with `RUN_FIELDS`, counts, what the actor is in them and what
    `run_acts` looks at; all in the page's one query. `by_start` and `by_title` are there to sort by.

    Args:
        actor: who looks.
        course_id: only the course's.
        state: only of this `RunState`.
        window: "current", "upcoming" or "past", by the run's window now.
        taught_by_me: only those that the actor holds a right on.
        joinable: only those open to members.
        search: part of the run's or the course's title.

    Raises:
        Forbidden, Unauthenticated: the actor may not see runs at all.
    """
    require(actor, VIEW)
    found = visible_runs(actor)
    if course_id:
        found = found.filter(course_id=course_id)
    if state:
        found = found.filter(state=state)
    if window:
        found = found.filter(_window(window))
    if taught_by_me:
        found = found.filter(pk__in=runs_with_right(actor, *RIGHTS).order_by().values("pk"))
    if joinable:
        found = found.filter(is_open_to_members=True, state=RunState.OPEN)
    if search:
        found = found.filter(Q(title__icontains=search) | Q(course__title__icontains=search))
    return _with_facts(found, actor)


def get_run(*, actor: Actor, run_id: uuid.UUID) -> dict[str, Any]:
    """Return one run as `list_runs` does.

    Raises:
        NotFound: no such run, or none the actor sees.
    """
    require(actor, VIEW)
    found = _with_facts(visible_runs(actor).filter(pk=run_id), actor).first()
    if found is None:
        raise NotFound
    return found


def get_run_page(*, actor: Actor, run_id: uuid.UUID) -> dict[str, Any]:
    """Return one run with all that its screen shows: how many are in each state, how many wait, who teaches,
    and where the actor stands. Who may not see the roster gets no counts by state and no staff.

    Raises:
        NotFound: no such run, or none the actor sees.
    """
    run = get_run(actor=actor, run_id=run_id)
    sees_roster = run_acts(actor, run)["see_roster"]
    run["state_counts"] = _counts_of(actor, run_id) if sees_roster else None
    run["staff"] = _staff_of(run_id) if sees_roster else None
    return run


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
    return _staff_of(run_id)


def find_published_version(*, course_id: uuid.UUID, version_id: uuid.UUID) -> bool:
    """Tell whether the version is a published one of that course, and the course can still be given."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT 1 FROM courses_courseversion v JOIN courses_course c ON c.id = v.course_id
             WHERE v.id = %s AND c.id = %s AND v.state = 'published'
               AND c.deleted_at IS NULL AND c.state NOT IN ('archived', 'unpublished')
            """,
            [version_id, course_id],
        )
        return cursor.fetchone() is not None


def _with_facts(runs: QuerySet[CourseRun], actor: Actor) -> QuerySet[CourseRun, dict[str, Any]]:
    def number_in(*states: EnrollmentState) -> Coalesce:
        return _number(Enrollment.objects.filter(run_id=OuterRef("pk"), state__in=states))

    own = Enrollment.objects.filter(run_id=OuterRef("pk"), member_id=actor.membership_id).order_by()
    waiting = WaitingPlace.objects.filter(run_id=OuterRef("pk"), member_id=actor.membership_id).order_by()
    found: QuerySet[CourseRun, dict[str, Any]] = runs.values(
        *RUN_FIELDS,
        course_title=F("course__title"),
        course_state=F("course__state"),
        switches=F("course__switches"),
        version_number=F("version__number"),
        enrolled_count=number_in(*sorted(OCCUPYING)),
        completed_count=number_in(EnrollmentState.COMPLETED),
        waiting_count=_number(WaitingPlace.objects.filter(run_id=OuterRef("pk"))),
        my_rights=held_rights(actor, "pk"),
        my_enrollment_id=Subquery(own.values("pk")[:1]),
        my_state=Subquery(own.values("state")[:1]),
        my_source=Subquery(own.values("source")[:1]),
        my_waiting_since=Subquery(waiting.values("created_at")[:1]),
        by_start=Coalesce("starts_at", "created_at"),
        by_title=Lower("title"),
    )
    return found


def _number(rows: QuerySet[Any]) -> Coalesce:
    counted = rows.order_by().values("run_id").annotate(number=Count("*")).values("number")
    return Coalesce(Subquery(counted, output_field=IntegerField()), 0)


def _window(window: str) -> Q:
    now = clock.now()
    begun = Q(starts_at__isnull=True) | Q(starts_at__lte=now)
    over = Q(ends_at__lte=now)
    if window == "upcoming":
        return Q(starts_at__gt=now)
    return over if window == "past" else begun & ~over


def _counts_of(actor: Actor, run_id: uuid.UUID) -> dict[str, int]:
    seen = visible_enrollments(actor).filter(run_id=run_id).order_by().values("state")
    found = {row["state"]: row["number"] for row in seen.annotate(number=Count("*"))}
    return {state.value: found.get(state.value, 0) for state in EnrollmentState}


def _staff_of(run_id: uuid.UUID) -> list[dict[str, Any]]:
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
