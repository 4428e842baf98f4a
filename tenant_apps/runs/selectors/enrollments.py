"""Read enrollments."""

import uuid
from typing import Any

from django.db.models import CharField, F, Q, QuerySet, Value
from django.db.models.functions import Concat, Lower, Trim

from shared_apps.core import clock
from shared_apps.core.actors import Actor
from shared_apps.core.errors import NotFound
from shared_apps.core.policies import require
from tenant_apps.runs.models import AccessGrant, Enrollment
from tenant_apps.runs.policies import ROSTER, VIEW, visible_enrollments
from tenant_apps.runs.selectors.acts import held_rights
from tenant_apps.runs.selectors.runs import require_visible_run

ENROLLMENT_FIELDS = (
    "id",
    "run_id",
    "member_id",
    "state",
    "source",
    "enrolled_by_id",
    "activated_at",
    "completed_at",
    "expires_at",
    "attempt",
    "started_at",
    "state_reason",
    "price_paid_minor",
    "price_currency",
    "order_id",
    "created_at",
    "updated_at",
)

GRANT_FIELDS = (
    "id",
    "source",
    "reference",
    "starts_at",
    "ends_at",
    "revoked_at",
    "reason",
    "granted_by_id",
    "created_at",
)


def list_enrollments(
    *,
    actor: Actor,
    run_id: uuid.UUID,
    state: str | None = None,
    source: str | None = None,
    department: str | None = None,
    search: str = "",
) -> QuerySet[Enrollment, dict[str, Any]]:
    """Return the run's enrollments the actor sees, as dicts with `ENROLLMENT_FIELDS`, name, email, department
    and what `enrollment_acts` looks at. `by_name` is there to sort by.

    Args:
        actor: who looks.
        run_id: the run.
        state: only of this `EnrollmentState`.
        source: only of this `EnrollmentSource`.
        department: only of the department that is called so.
        search: part of a name or an address.

    Raises:
        NotFound: no such run, or none the actor sees.
        Forbidden: the actor sees the run but not who is in it.
    """
    require_visible_run(actor=actor, run_id=run_id)
    require(actor, ROSTER, run_id)
    found = visible_enrollments(actor).filter(run_id=run_id)
    return _as_dicts(_filtered(found, state, source, department, search), actor)


def list_all_enrollments(
    *,
    actor: Actor,
    member_id: uuid.UUID | None = None,
    course_id: uuid.UUID | None = None,
    state: str | None = None,
    source: str | None = None,
    department: str | None = None,
    search: str = "",
) -> QuerySet[Enrollment, dict[str, Any]]:
    """Return enrollments of all runs that the actor sees, as `list_enrollments` does; learners see their own.

    Args:
        actor: who looks.
        member_id: only this member's.
        course_id: only in runs of this course.
        state, source, department, search: as for `list_enrollments`.
    """
    require(actor, VIEW)
    found = visible_enrollments(actor)
    if member_id:
        found = found.filter(member_id=member_id)
    if course_id:
        found = found.filter(run__course_id=course_id)
    return _as_dicts(_filtered(found, state, source, department, search), actor)


def get_enrollment(*, actor: Actor, enrollment_id: uuid.UUID) -> dict[str, Any]:
    """Return one enrollment as `list_enrollments` does.

    Raises:
        NotFound: no such enrollment, or none the actor sees.
    """
    require(actor, VIEW)
    found = _as_dicts(visible_enrollments(actor).filter(pk=enrollment_id), actor).first()
    if found is None:
        raise NotFound
    return found


def list_grants(*, actor: Actor, enrollment_id: uuid.UUID) -> list[dict[str, Any]]:
    """Return the reasons for an enrollment's access, the first given first, and whether each is live.

    Raises:
        NotFound: no such enrollment, or none the actor sees.
        Forbidden: the actor sees the enrollment but manages nobody in the run, and it is not their own.
    """
    require(actor, VIEW)
    seen = visible_enrollments(actor).filter(pk=enrollment_id).order_by().values("run_id", "member_id")
    enrollment = seen.first()
    if enrollment is None:
        raise NotFound
    if enrollment["member_id"] != actor.membership_id:
        require(actor, ROSTER, enrollment["run_id"])
    now = clock.now()
    grants = AccessGrant.objects.filter(enrollment_id=enrollment_id).order_by("created_at", "id")
    return [
        grant
        | {"is_live": grant["revoked_at"] is None and (grant["ends_at"] is None or grant["ends_at"] > now)}
        for grant in grants.values(*GRANT_FIELDS)
    ]


def _filtered(
    found: QuerySet[Enrollment], state: str | None, source: str | None, department: str | None, search: str
) -> QuerySet[Enrollment]:
    if state:
        found = found.filter(state=state)
    if source:
        found = found.filter(source=source)
    if department:
        found = found.filter(member__department=department)
    for word in search.split():
        found = found.filter(
            Q(member__first_name__icontains=word)
            | Q(member__last_name__icontains=word)
            | Q(member__email__icontains=word)
        )
    return found


def _as_dicts(enrollments: QuerySet[Enrollment], actor: Actor) -> QuerySet[Enrollment, dict[str, Any]]:
    found: QuerySet[Enrollment, dict[str, Any]] = enrollments.values(
        *ENROLLMENT_FIELDS,
        member_name=Trim(Concat("member__first_name", Value(" "), "member__last_name")),
        member_email=F("member__email"),
        department=F("member__department"),
        manager_id=F("member__manager_id"),
        run_title=F("run__title"),
        course_id=F("run__course_id"),
        course_title=F("run__course__title"),
        my_rights=held_rights(actor, "run_id"),
        by_name=Lower(
            Concat(
                "member__last_name",
                Value(" "),
                "member__first_name",
                Value(" "),
                "member__email",
                output_field=CharField(),
            )
        ),
    )
    return found
