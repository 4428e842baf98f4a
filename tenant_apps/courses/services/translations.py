"""Modules and lessons of a draft in other languages."""

import uuid
from typing import TypedDict

from shared_apps.core.actors import Actor
from shared_apps.core.errors import NotFound
from shared_apps.core.transactions import entry_transaction
from tenant_apps.courses.enums import BodyFormat
from tenant_apps.courses.models import CourseVersion, Lesson, Module, Translation
from tenant_apps.courses.policies import EDIT
from tenant_apps.courses.services.content import plain_summary, plain_title
from tenant_apps.courses.services.edits import (
    Edited,
    do_lock_lesson,
    do_touch_lesson,
    find_module,
    finish_edit,
)
from tenant_apps.courses.services.steps import do_lock_draft
from tenant_apps.courses.services.texts import do_drop_texts, new_text


class TranslationFacts(TypedDict, total=False):
    """A unit in another language; what is left out is not translated. Modules have no body."""

    title: str
    summary: str
    body: str
    body_format: str


def set_lesson_translation(
    *,
    actor: Actor,
    version_id: uuid.UUID,
    lesson_id: uuid.UUID,
    language: str,
    revision: str,
    facts: TranslationFacts,
) -> Edited:
    """Say what a lesson or topic is in a language, in the place of what was said before.

    Args:
        actor: who acts.
        version_id: the draft.
        lesson_id: the lesson or topic.
        language: BCP 47.
        revision: see `do_lock_lesson`.
        facts: all that is translated.

    Raises:
        NotFound, StaleVersion and others: see `do_lock_lesson`.
        TextEmpty, TextTooLong, LessonContentRefused: the texts.
    """
    with entry_transaction():
        draft, lesson = do_lock_lesson(
            actor=actor, version_id=version_id, lesson_id=lesson_id, revision=revision
        )
        _do_set(draft, lesson, language, facts)
        do_touch_lesson(lesson)
        return finish_edit(actor=actor, draft=draft, act=f"translate:{language}", row=lesson, lesson=lesson)


def delete_lesson_translation(
    *, actor: Actor, version_id: uuid.UUID, lesson_id: uuid.UUID, language: str, revision: str
) -> Edited:
    """Take a lesson's translation away.

    Raises:
        NotFound: also when there is none; others as for `do_lock_lesson`.
    """
    with entry_transaction():
        draft, lesson = do_lock_lesson(
            actor=actor, version_id=version_id, lesson_id=lesson_id, revision=revision
        )
        _do_delete(version_id, lesson.lineage, language)
        do_touch_lesson(lesson)
        return finish_edit(
            actor=actor, draft=draft, act=f"delete_translation:{language}", row=lesson, lesson=lesson
        )


def set_module_translation(
    *,
    actor: Actor,
    version_id: uuid.UUID,
    module_id: uuid.UUID,
    language: str,
    revision: str,
    facts: TranslationFacts,
) -> Edited:
    """Say what a module is in a language; as `set_lesson_translation`, with the version's revision."""
    with entry_transaction():
        draft = do_lock_draft(actor=actor, version_id=version_id, revision=revision, rule=EDIT)
        module = find_module(version_id, module_id)
        _do_set(draft, module, language, facts)
        return finish_edit(actor=actor, draft=draft, act=f"translate:{language}", row=module)


def delete_module_translation(
    *, actor: Actor, version_id: uuid.UUID, module_id: uuid.UUID, language: str, revision: str
) -> Edited:
    """Take a module's translation away; as `delete_lesson_translation`, with the version's revision."""
    with entry_transaction():
        draft = do_lock_draft(actor=actor, version_id=version_id, revision=revision, rule=EDIT)
        module = find_module(version_id, module_id)
        _do_delete(version_id, module.lineage, language)
        return finish_edit(actor=actor, draft=draft, act=f"delete_translation:{language}", row=module)


def _do_set(draft: CourseVersion, unit: Module | Lesson, language: str, facts: TranslationFacts) -> None:
    rows = Translation.objects.filter(version=draft, lineage=unit.lineage, language=language)
    row = rows.first() or Translation(version=draft, lineage=unit.lineage, language=language)
    old_text_id = row.text_id
    row.title = plain_title(facts["title"]) if facts.get("title") else ""
    row.summary = plain_summary(facts.get("summary", ""))
    row.text = None
    if facts.get("body"):
        row.text = new_text(facts["body"], facts.get("body_format", BodyFormat.MARKDOWN))
        row.text.save(force_insert=True)
    if row._state.adding:
        row.save(force_insert=True)
    else:
        row.save_fields("title", "summary", "text")
    do_drop_texts([old_text_id])


def _do_delete(version_id: uuid.UUID, lineage: uuid.UUID, language: str) -> None:
    row = Translation.objects.filter(version_id=version_id, lineage=lineage, language=language).first()
    if row is None:
        raise NotFound
    row.delete()
    do_drop_texts([row.text_id])
