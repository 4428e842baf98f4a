"""Steps of every edit of a draft: finding the rows under lock, saving, counting, telling what was left.

A draft has one revision, and each lesson one of its own. An edit of a lesson names either: the version's
("7") when everything must be as it was read, the lesson's ("lesson-3") when only the lesson must, so that two
authors work on two lessons at once and neither overwrites the other on one.
"""

import uuid
from dataclasses import dataclass
from typing import Final

from shared_apps.core.actors import Actor
from shared_apps.core.errors import NotFound, StaleVersion
from shared_apps.core.transactions import require_transaction
from tenant_apps.courses.errors import UnknownModule
from tenant_apps.courses.models import CourseVersion, Lesson, LessonResource, Module, WorkingCopy
from tenant_apps.courses.policies import EDIT
from tenant_apps.courses.services.checks import do_check_rules_of
from tenant_apps.courses.services.content import LessonFacts, apply_facts
from tenant_apps.courses.services.steps import do_audit, do_count_edit, do_lock_draft
from tenant_apps.courses.services.texts import do_drop_texts, do_save_text

LESSON_REVISION: Final = "lesson-"
RULES: Final = frozenset({"release", "requires", "due"})


@dataclass(frozen=True, slots=True)
class Edited:
    """What an edit left: the row it was about, the draft's new revision, and the lesson's where it was one
    lesson's."""

    id: uuid.UUID
    revision: int
    lesson_revision: int | None = None


def do_lock_lesson(
    *, actor: Actor, version_id: uuid.UUID, lesson_id: uuid.UUID, revision: str
) -> tuple[CourseVersion, Lesson]:
    """Lock the draft and return it with one of its lessons or topics, in the state the caller has read.

    Args:
        actor: who acts.
        version_id: the draft.
        lesson_id: the lesson or topic.
        revision: of the version, of the lesson ("lesson-3"), or "*".

    Raises:
        NotFound, Forbidden, VersionFrozen, CourseArchived, RevisionMissing, StaleVersion: see
            `do_lock_draft`; NotFound also when the version has no such lesson.
    """
    of_lesson = revision.startswith(LESSON_REVISION)
    draft = do_lock_draft(
        actor=actor, version_id=version_id, revision="*" if of_lesson else revision, rule=EDIT
    )
    lesson = find_lesson(version_id, lesson_id)
    if of_lesson and revision.removeprefix(LESSON_REVISION) != str(lesson.revision):
        raise StaleVersion(revision=draft.revision, lesson_revision=lesson.revision)
    return draft, lesson


def do_save_lesson(
    draft: CourseVersion, lesson: Lesson, facts: LessonFacts, *, actor: Actor, more: frozenset[str]
) -> None:
    """Set facts on a lesson of a locked draft and write what changed, as one more revision of the lesson.
    What the member was writing is saved with it, so their working copy goes.

    Args:
        draft: locked.
        lesson: as read under that lock.
        facts: what to set.
        actor: whose working copy goes.
        more: columns that the caller has changed besides.

    Raises:
        TextEmpty, TextTooLong, LessonContentRefused, RuleRefused, UnknownDocument: see `apply_facts`.
    """
    require_transaction()
    old_text_id = lesson.text_id
    changed = apply_facts(lesson, facts) | more
    do_save_text(lesson)
    lesson.revision += 1
    lesson.save_fields("revision", *changed)
    if "text_id" in changed:
        do_drop_texts([old_text_id])
    if changed & RULES:
        do_check_rules_of(draft, [lesson.lineage])
    if actor.membership_id is not None:
        WorkingCopy.objects.filter(lesson=lesson, member_id=actor.membership_id).delete()


def do_touch_lesson(lesson: Lesson) -> None:
    """Count an edit of something that belongs to the lesson: a resource, a translation, an order."""
    require_transaction()
    lesson.revision += 1
    lesson.save_fields("revision")


def finish_edit(
    *,
    actor: Actor,
    draft: CourseVersion,
    act: str,
    row: CourseVersion | Module | Lesson | LessonResource,
    lesson: Lesson | None = None,
) -> Edited:
    """Count the edit of a locked draft, record it and return what it left."""
    revision = do_count_edit(draft)
    do_audit(
        actor=actor,
        action=EDIT.name,
        target=row,
        act=act,
        version_id=str(draft.id),
        revision=revision,
        title=str(row),
    )
    return Edited(row.pk, revision, lesson.revision if lesson else None)


def find_module(version_id: uuid.UUID, module_id: uuid.UUID) -> Module:
    """Return a module of the version.

    Raises:
        NotFound: it has no such module.
    """
    module = Module.objects.filter(pk=module_id, version_id=version_id).first()
    if module is None:
        raise NotFound
    return module


def find_lesson(version_id: uuid.UUID, lesson_id: uuid.UUID) -> Lesson:
    """Return a lesson or topic of the version with its text.

    Raises:
        NotFound: it has no such lesson.
    """
    lesson = Lesson.objects.filter(pk=lesson_id, version_id=version_id).select_related("text").first()
    if lesson is None:
        raise NotFound
    return lesson


def require_module(version_id: uuid.UUID, module_id: uuid.UUID) -> None:
    """Raise UnknownModule when the version has no such module."""
    if not Module.objects.filter(pk=module_id, version_id=version_id).exists():
        raise UnknownModule(field="module_id")
