"""Progress of everybody in a run, for those who teach and manage."""

import uuid
from typing import Any

from django.db.models import F, IntegerField, QuerySet, Value
from django.db.models.functions import Coalesce

from shared_apps.core.actors import Actor
from tenant_apps.learning.selectors.outlines import get_outline
from tenant_apps.runs.selectors.enrollments import list_enrollments
from tenant_apps.runs.selectors.runs import get_run


def list_run_progress(*, actor: Actor, run_id: uuid.UUID) -> QuerySet[Any, dict[str, Any]]:
    """Return the run's enrollments the actor sees, with completed, total, percent and last access.

    Raises:
        NotFound: no such run, or none the actor sees.
        Forbidden: the actor sees the run but not who is in it.
    """
    rows = list_enrollments(actor=actor, run_id=run_id)
    outline = get_outline(get_run(actor=actor, run_id=run_id)["version_id"])
    completed = Coalesce(F("progress__completed_count"), 0)
    weight = Coalesce(F("progress__completed_weight"), 0)
    return rows.annotate(
        completed=completed,
        total=Value(outline.total, output_field=IntegerField()),
        percent=weight * 100 / Value(max(outline.total_weight, 1), output_field=IntegerField()),
        last_accessed_at=F("progress__last_accessed_at"),
    )
