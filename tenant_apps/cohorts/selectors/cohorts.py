"""Read cohorts and their places."""

import uuid
from typing import Any

from django.db import connection
from django.db.models import Count, F, IntegerField, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce, Concat, Trim

from shared_apps.core.actors import Actor
from shared_apps.core.errors import NotFound
from shared_apps.core.policies import may, require
from tenant_apps.cohorts.models import Cohort, CohortMember
from tenant_apps.cohorts.policies import EDIT, STAFF, VIEW, visible_cohorts

COHORT_FIELDS = ("id", "name", "run_id", "starts_on", "leave_rule", "created_at", "updated_at")


def list_cohorts(*, actor: Actor) -> QuerySet[Cohort, dict[str, Any]]:
    """Return the cohorts the actor sees, as dicts with `COHORT_FIELDS`, run_title and member_count."""
    require(actor, VIEW)
    return _as_dicts(visible_cohorts(actor))


def get_cohort(*, actor: Actor, cohort_id: uuid.UUID) -> dict[str, Any]:
    """Return one cohort, as in the list.

    Raises:
        NotFound: no such cohort, or none the actor sees.
    """
    require(actor, VIEW)
    found = _as_dicts(visible_cohorts(actor).filter(pk=cohort_id)).first()
    if found is None:
        raise NotFound
    return found


def cohort_acts(actor: Actor) -> dict[str, bool]:
    """Return what is open to the actor on each cohort they see: whoever sees one manages it."""
    manages = may(actor, EDIT)
    return {"edit": manages, "delete": manages, "place": manages, "set_managers": may(actor, STAFF)}


def list_places(*, actor: Actor, cohort_id: uuid.UUID) -> QuerySet[CohortMember, dict[str, Any]]:
    """Return who is in the cohort: dicts with id, member_id, joined_at, name and email.

    Raises:
        NotFound: no such cohort, or none the actor sees.
    """
    require(actor, VIEW)
    if not visible_cohorts(actor).filter(pk=cohort_id).exists():
        raise NotFound
    places = CohortMember.objects.filter(cohort_id=cohort_id, left_at__isnull=True)
    found: QuerySet[CohortMember, dict[str, Any]] = places.values(
        *("id", "member_id"),
        joined_at=F("created_at"),
        member_name=Trim(Concat("member__first_name", Value(" "), "member__last_name")),
        member_email=F("member__email"),
    )
    return found


def list_managers(*, actor: Actor, cohort_id: uuid.UUID) -> list[dict[str, Any]]:
    """Return who holds the right to manage the cohort: dicts of member_id, name and email.

    Raises:
        Forbidden: the actor may not manage the cohort's staff.
        NotFound: no such cohort, or none the actor sees.
    """
    require(actor, STAFF)
    if not visible_cohorts(actor).filter(pk=cohort_id).exists():
        raise NotFound
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT m.id, concat_ws(' ', nullif(m.first_name, ''), nullif(m.last_name, '')), m.email
              FROM cohorts_cohortright r JOIN people_member m ON m.user_id = r.user_id
             WHERE r.content_object_id = %s
             ORDER BY m.last_name, m.first_name, m.id
            """,
            [cohort_id],
        )
        return [dict(zip(("member_id", "name", "email"), row, strict=True)) for row in cursor.fetchall()]


def _as_dicts(cohorts: QuerySet[Cohort]) -> QuerySet[Cohort, dict[str, Any]]:
    present = (
        CohortMember.objects.filter(cohort_id=OuterRef("pk"), left_at__isnull=True)
        .order_by()
        .values("cohort_id")
        .annotate(number=Count("*"))
        .values("number")
    )
    found: QuerySet[Cohort, dict[str, Any]] = cohorts.values(
        *COHORT_FIELDS,
        run_title=F("run__title"),
        member_count=Coalesce(Subquery(present, output_field=IntegerField()), 0),
    )
    return found
