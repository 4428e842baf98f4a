"""The attempts of an enrollment, the ended ones and the one that runs; all of them only to be read."""

import uuid
from typing import Any

from shared_apps.core.actors import Actor
from shared_apps.core.errors import NotFound
from shared_apps.core.policies import require
from tenant_apps.learning.models import CourseProgress, EnrollmentAttempt, LessonRecord
from tenant_apps.learning.policies import LEARN
from tenant_apps.learning.selectors.outlines import get_outline
from tenant_apps.runs.policies import visible_enrollments

_ENDED = (
    "number",
    "version_id",
    "state",
    "started_at",
    "completed_at",
    "ended_at",
    "completed_count",
    "total",
    "percent",
    "reason",
    "ended_by_id",
)
_ENROLLMENT = ("attempt", "state", "started_at", "activated_at", "completed_at", "run__version_id")


def list_attempts(*, actor: Actor, enrollment_id: uuid.UUID) -> list[dict[str, Any]]:
    """Return the enrollment's attempts, newest first; the one that runs has no `ended_at`.

    Raises:
        NotFound: no such enrollment, or none the actor sees: it is neither their own nor of somebody they
            teach or manage.
    """
    require(actor, LEARN)
    found = visible_enrollments(actor).filter(pk=enrollment_id).order_by().values(*_ENROLLMENT).first()
    if found is None:
        raise NotFound
    ended = EnrollmentAttempt.objects.filter(enrollment_id=enrollment_id).order_by("-number").values(*_ENDED)
    return [_running(found, enrollment_id), *({**each, "is_current": False} for each in ended)]


def get_attempt(*, actor: Actor, enrollment_id: uuid.UUID, number: int | None = None) -> dict[str, Any]:
    """Return one attempt, else the one that runs, with what was done in it, as the lessons stood then.

    Raises:
        NotFound: no such attempt, or none the actor sees.
    """
    attempts = list_attempts(actor=actor, enrollment_id=enrollment_id)
    attempt = next((each for each in attempts if number in (None, each["number"])), None)
    if attempt is None:
        raise NotFound
    records = LessonRecord.objects.filter(enrollment_id=enrollment_id, attempt=attempt["number"])
    fields = ("lineage", "lesson_id", "opened_at", "completed_at", "watched_seconds", "view_count")
    shown = records.order_by("lesson__module__position", "lesson__position", "id").values(
        *fields, "lesson__title"
    )
    attempt["lessons"] = [{**each, "title": each.pop("lesson__title")} for each in shown]
    return attempt


def _running(enrollment: dict[str, Any], enrollment_id: uuid.UUID) -> dict[str, Any]:
    outline = get_outline(enrollment["run__version_id"])
    progress = CourseProgress.objects.filter(pk=enrollment_id).first()
    return {
        "number": enrollment["attempt"],
        "version_id": enrollment["run__version_id"],
        "state": enrollment["state"],
        "started_at": enrollment["started_at"] or enrollment["activated_at"],
        "completed_at": None if enrollment["state"] in ("pending", "active") else enrollment["completed_at"],
        "ended_at": None,
        "completed_count": progress.completed_count if progress else 0,
        "total": outline.total,
        "percent": outline.percent(progress.completed_weight) if progress else 0,
        "reason": "",
        "ended_by_id": None,
        "is_current": True,
    }
