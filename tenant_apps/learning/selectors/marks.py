"""A learner's own bookmarks and notes. Nobody else's are reachable, whatever the role."""

import uuid
from typing import Any

from django.db.models import Case, F, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce

from shared_apps.core.actors import Actor
from shared_apps.core.errors import NotFound
from shared_apps.core.policies import require
from tenant_apps.courses.selectors.facts import require_switch
from tenant_apps.courses.selectors.places import lesson_in_version
from tenant_apps.learning.models import LessonMark
from tenant_apps.learning.policies import LEARN
from tenant_apps.learning.selectors.study import get_study

NOTES = "notes"

MARK_FIELDS = (
    "id",
    "enrollment_id",
    "lineage",
    "kind",
    "position_seconds",
    "colour",
    "body",
    "created_at",
    "updated_at",
)


def list_marks(
    *,
    actor: Actor,
    enrollment_id: uuid.UUID | None = None,
    course_id: uuid.UUID | None = None,
    kind: str = "",
    colour: str = "",
    search: str = "",
) -> QuerySet[LessonMark, dict[str, Any]]:
    """Return the actor's marks over all courses, as dicts with `MARK_FIELDS` and where they stand.

    `lesson_id` and `lesson_title` are None for a lesson that the run's version no longer has; the mark stays.

    Args:
        actor: the learner.
        enrollment_id, course_id: only of these.
        kind: "bookmark" or "note"; empty for both.
        colour: "#rrggbb"; empty for all.
        search: part of the text or of the lesson's title, whatever the case.
    """
    require(actor, LEARN)
    found = _with_places(LessonMark.objects.filter(enrollment__member_id=actor.member_id))
    wanted: dict[str, Any] = {"enrollment_id": enrollment_id, "enrollment__run__course_id": course_id}
    wanted |= {"kind": kind, "colour": colour.lower()}
    found = found.filter(**{name: value for name, value in wanted.items() if value})
    return found.filter(Q(body__icontains=search) | Q(lesson_title__icontains=search)) if search else found


def list_course_marks(
    *, actor: Actor, enrollment_id: uuid.UUID, lesson_id: uuid.UUID | None = None
) -> QuerySet[LessonMark, dict[str, Any]]:
    """Return the actor's marks in one course, or in one of its lessons.

    Raises:
        NotFound: no such enrollment of the actor, or no such published lesson in its version.
        SwitchedOff: the course takes no notes.
    """
    require(actor, LEARN)
    study = get_study(actor=actor, enrollment_id=enrollment_id)
    lineage = study.lineage_of(lesson_id) if lesson_id else None
    require_switch(study.course_id, NOTES)
    found = list_marks(actor=actor, enrollment_id=enrollment_id)
    return found.filter(lineage=lineage) if lineage else found


def get_mark(*, actor: Actor, mark_id: uuid.UUID) -> dict[str, Any]:
    """Return one of the actor's marks.

    Raises:
        NotFound: no such mark, or somebody else's.
    """
    found = list_marks(actor=actor).filter(pk=mark_id).first()
    if found is None:
        raise NotFound
    return found


def marked_enrollments(*, actor: Actor) -> list[uuid.UUID]:
    """Return the ids of the actor's enrollments with marks, oldest first."""
    require(actor, LEARN)
    own = LessonMark.objects.filter(enrollment__member_id=actor.member_id).order_by("enrollment_id")
    return list(own.values_list("enrollment_id", flat=True).distinct())


def marks_to_export(*, actor: Actor, enrollment_id: uuid.UUID) -> list[dict[str, Any]]:
    """Return the actor's marks in one course by lesson and, in it, by position; oldest first among equals."""
    found = list_marks(actor=actor, enrollment_id=enrollment_id)
    # Columns of `_with_places`, which the type checker does not follow here.
    order: tuple[str, ...] = ("lesson_title", "lineage", "place", "id")
    return list(found.order_by(*order))


def _with_places(marks: QuerySet[LessonMark]) -> QuerySet[LessonMark, dict[str, Any]]:
    now_there = lesson_in_version(version="enrollment__run__version_id", lineage="lineage")
    found: QuerySet[LessonMark, dict[str, Any]] = marks.order_by("-id").values(
        *MARK_FIELDS,
        lesson_id=Subquery(now_there.values("id")[:1]),
        lesson_title=Subquery(now_there.values("title")[:1]),
        course_id=F("enrollment__run__course_id"),
        course_title=F("enrollment__run__course__title"),
        run_title=F("enrollment__run__title"),
        place=Coalesce(F("position_seconds"), 0),
        # A course stores only the switches that differ from their default, and this one's is on.
        notes_on=Case(When(enrollment__run__course__switches__notes=False, then=False), default=True),
        is_own=Value(True),
    )
    return found
