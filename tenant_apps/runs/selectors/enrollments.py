"""Read enrollments."""

import uuid
from typing import Any

from django.db.models import F, QuerySet, Value
from django.db.models.functions import Concat, Trim

from shared_apps.core.actors import Actor
from shared_apps.core.errors import NotFound
from shared_apps.core.policies import require
from tenant_apps.runs.models import Enrollment
from tenant_apps.runs.policies import ROSTER, VIEW, visible_enrollments
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


def list_enrollments(
    *, actor: Actor, run_id: uuid.UUID, state: str | None = None
) -> QuerySet[Enrollment, dict[str, Any]]:
    """Return the run's enrollments the actor sees, as dicts with `ENROLLMENT_FIELDS`, name and email.

    Raises:
        NotFound: no such run, or none the actor sees.
        Forbidden: the actor sees the run but not who is in it.
    """
    require_visible_run(actor=actor, run_id=run_id)
    require(actor, ROSTER, run_id)
    found = visible_enrollments(actor).filter(run_id=run_id)
    return _as_dicts(found.filter(state=state) if state else found)


def get_enrollment(*, actor: Actor, enrollment_id: uuid.UUID) -> dict[str, Any]:
    """Return one enrollment with `ENROLLMENT_FIELDS`, name and email.

    Raises:
        NotFound: no such enrollment, or none the actor sees.
    """
    require(actor, VIEW)
    found = _as_dicts(visible_enrollments(actor).filter(pk=enrollment_id)).first()
    if found is None:
        raise NotFound
    return found


def _as_dicts(enrollments: QuerySet[Enrollment]) -> QuerySet[Enrollment, dict[str, Any]]:
    found: QuerySet[Enrollment, dict[str, Any]] = enrollments.values(
        *ENROLLMENT_FIELDS,
        member_name=Trim(Concat("member__first_name", Value(" "), "member__last_name")),
        member_email=F("member__email"),
    )
    return found
