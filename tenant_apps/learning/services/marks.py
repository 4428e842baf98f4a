"""Keep bookmarks and notes. By lineage and enrollment, so they outlive a restart and a move of the run."""

import uuid
from typing import Any

from shared_apps.core.actors import Actor
from shared_apps.core.errors import Conflict, InvalidInput, NotFound
from shared_apps.core.policies import require
from shared_apps.core.transactions import entry_transaction
from tenant_apps.courses.selectors.facts import require_switch
from tenant_apps.learning.enums import MarkKind
from tenant_apps.learning.models import LessonMark
from tenant_apps.learning.policies import LEARN
from tenant_apps.learning.selectors.marks import NOTES, get_mark
from tenant_apps.learning.selectors.study import get_study

MOST_IN_A_COURSE = 1000


class NoteEmpty(InvalidInput):
    """A note without text."""

    code = "note_empty"
    title = "A note needs a text."
    advice = "Write one, or set a bookmark."


class TooManyMarks(Conflict):
    """The course holds as many of the learner's marks as it may."""

    code = "too_many_marks"
    title = "There are too many notes and bookmarks in this course."
    advice = "Delete some; `most` is how many a course holds."


def create_mark(
    *,
    actor: Actor,
    enrollment_id: uuid.UUID,
    lesson_id: uuid.UUID,
    kind: MarkKind,
    position_seconds: int | None = None,
    colour: str = "",
    body: str = "",
) -> dict[str, Any]:
    """Mark a place in a lesson and return the mark.

    Args:
        actor: the learner.
        enrollment_id, lesson_id: the lesson, as it stands in the learner's tree.
        kind: a note has a text, a bookmark may have one.
        position_seconds: of the audio or video; None where there is none.
        colour: "#rrggbb", or empty.
        body: plain text, kept as it is.

    Raises:
        NotFound: no such enrollment of the actor, or no such published lesson in its version.
        Forbidden: the lesson is not open now; the code says why.
        SwitchedOff: the course takes no notes.
        NoteEmpty: a note without text.
        TooManyMarks: the course holds as many as it may.
    """
    require(actor, LEARN)
    _require_text(kind, body)
    with entry_transaction():
        study = get_study(actor=actor, enrollment_id=enrollment_id)
        study.require_lesson_open(lesson_id)
        require_switch(study.course_id, NOTES)
        # Two at the same instant may pass together: the limit keeps the list readable, no more.
        if LessonMark.objects.filter(enrollment_id=enrollment_id).count() >= MOST_IN_A_COURSE:
            raise TooManyMarks(most=MOST_IN_A_COURSE)
        mark = LessonMark.objects.create(
            enrollment_id=enrollment_id,
            lineage=study.lineage_of(lesson_id),
            kind=kind,
            position_seconds=position_seconds,
            colour=colour.lower(),
            body=body,
        )
    return get_mark(actor=actor, mark_id=mark.id)


def edit_mark(*, actor: Actor, mark_id: uuid.UUID, changes: dict[str, Any]) -> dict[str, Any]:
    """Change position, colour or text of one of the actor's marks and return it.

    Args:
        actor: the learner.
        mark_id: whose own.
        changes: `position_seconds`, `colour`, `body`; what is left out stays.

    Raises:
        NotFound: no such mark, or somebody else's.
        SwitchedOff: the course takes no notes.
        NoteEmpty: a note would have no text.
    """
    require(actor, LEARN)
    with entry_transaction():
        own = LessonMark.objects.select_for_update(of=("self",)).filter(enrollment__member_id=actor.member_id)
        mark = own.filter(pk=mark_id).select_related("enrollment__run").first()
        if mark is None:
            raise NotFound
        require_switch(mark.enrollment.run.course_id, NOTES)
        for name in ("position_seconds", "colour", "body"):
            setattr(mark, name, changes.get(name, getattr(mark, name)))
        mark.colour = mark.colour.lower()
        _require_text(MarkKind(mark.kind), mark.body)
        mark.save_fields("position_seconds", "colour", "body")
    return get_mark(actor=actor, mark_id=mark_id)


def delete_mark(*, actor: Actor, mark_id: uuid.UUID) -> None:
    """Delete one of the actor's marks; what a course switches off can still be taken away.

    Raises:
        NotFound: no such mark, or somebody else's.
    """
    require(actor, LEARN)
    with entry_transaction():
        own = LessonMark.objects.filter(pk=mark_id, enrollment__member_id=actor.member_id)
        if not own.delete()[0]:
            raise NotFound


def _require_text(kind: MarkKind, body: str) -> None:
    if kind is MarkKind.NOTE and not body.strip():
        raise NoteEmpty(field="body")
