"""What a member is writing in a lesson, kept until it is saved: it changes no lesson and no revision, so it
costs no audit line and stands in nobody's way."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared_apps.core import clock
from shared_apps.core.actors import Actor
from shared_apps.core.errors import NotFound
from shared_apps.core.ids import new_id
from shared_apps.core.policies import require
from shared_apps.core.transactions import entry_transaction
from tenant_apps.courses.enums import VersionState
from tenant_apps.courses.errors import VersionFrozen
from tenant_apps.courses.models import Lesson, WorkingCopy
from tenant_apps.courses.policies import EDIT, visible_versions


@dataclass(frozen=True, slots=True)
class Autosaved:
    """A member's unsaved writing in one lesson. It is stale when the lesson has been saved since it began.

    Attributes:
        facts: as sent, not cleaned: nobody but the writer is ever shown them.
        based_on_revision: of the lesson, when the writing began.
        lesson_revision: of the lesson now.
    """

    lesson_id: uuid.UUID
    facts: dict[str, Any]
    based_on_revision: int
    lesson_revision: int
    updated_at: datetime

    @property
    def is_stale(self) -> bool:
        """Whether somebody saved the lesson since."""
        return self.based_on_revision != self.lesson_revision


def keep_working_copy(
    *,
    actor: Actor,
    version_id: uuid.UUID,
    lesson_id: uuid.UUID,
    facts: dict[str, Any],
    based_on_revision: int | None,
) -> Autosaved:
    """Keep what the member is writing, in the place of what was kept before.

    Args:
        actor: who writes.
        version_id: the draft.
        lesson_id: the lesson or topic.
        facts: JSON-ready.
        based_on_revision: the lesson's when the writing began; None for that of now, or of the copy there is.

    Raises:
        NotFound, Forbidden: no such lesson, or none the actor may edit.
        VersionFrozen: the version is published.
    """
    with entry_transaction():
        lesson = _lesson(actor, version_id, lesson_id)
        known = WorkingCopy.objects.filter(lesson=lesson, member_id=actor.member_id).first()
        based_on = based_on_revision or (known.based_on_revision if known else lesson.revision)
        now = clock.now()
        WorkingCopy.objects.bulk_create(
            [
                WorkingCopy(
                    id=new_id(),
                    lesson=lesson,
                    member_id=actor.member_id,
                    facts=facts,
                    based_on_revision=based_on,
                    created_at=now,
                    updated_at=now,
                )
            ],
            update_conflicts=True,
            unique_fields=["lesson", "member"],
            update_fields=["facts", "based_on_revision", "updated_at"],
        )
    return Autosaved(lesson.id, facts, based_on, lesson.revision, now)


def read_working_copy(*, actor: Actor, version_id: uuid.UUID, lesson_id: uuid.UUID) -> Autosaved:
    """Return what the member was writing.

    Raises:
        NotFound: nothing is kept; otherwise as for `keep_working_copy`.
    """
    lesson = _lesson(actor, version_id, lesson_id)
    row = WorkingCopy.objects.filter(lesson=lesson, member_id=actor.member_id).first()
    if row is None:
        raise NotFound
    return Autosaved(lesson.id, row.facts, row.based_on_revision, lesson.revision, row.updated_at)


def drop_working_copy(*, actor: Actor, version_id: uuid.UUID, lesson_id: uuid.UUID) -> None:
    """Throw away what the member was writing; nothing there is fine.

    Raises:
        NotFound, Forbidden, VersionFrozen: as for `keep_working_copy`.
    """
    with entry_transaction():
        lesson = _lesson(actor, version_id, lesson_id)
        WorkingCopy.objects.filter(lesson=lesson, member_id=actor.member_id).delete()


def _lesson(actor: Actor, version_id: uuid.UUID, lesson_id: uuid.UUID) -> Lesson:
    found = (
        Lesson.objects.filter(
            pk=lesson_id, version_id=version_id, version__in=visible_versions(actor).values("pk")
        )
        .select_related("version")
        .first()
    )
    if found is None:
        raise NotFound
    require(actor, EDIT, found.version.course_id)
    if found.version.state != VersionState.DRAFT:
        raise VersionFrozen(state=found.version.state)
    return found
