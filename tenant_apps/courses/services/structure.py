"""Edit a draft: modules and lessons, and their order. Every edit names the revision it was made from."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from shared_apps.core.actors import Actor
from shared_apps.core.errors import NotFound
from shared_apps.core.transactions import entry_transaction
from tenant_apps.courses.errors import UnknownModule
from tenant_apps.courses.models import CourseVersion, Lesson, Module
from tenant_apps.courses.policies import EDIT
from tenant_apps.courses.services.content import (
    LessonFacts,
    ModuleFacts,
    apply_facts,
    apply_module_facts,
)
from tenant_apps.courses.services.steps import do_audit, do_count_edit, do_lock_draft
from tenant_apps.courses.services.texts import do_drop_texts, do_save_text
from tenant_apps.courses.services.tree import (
    do_close_gap,
    do_make_room,
    do_order,
    lessons_of,
    modules_of,
    require_same,
)


@dataclass(frozen=True, slots=True)
class Edited:
    """What an edit left: the row it was about and the draft's new revision."""

    id: uuid.UUID
    revision: int


@dataclass(frozen=True, slots=True)
class ModuleOrder:
    """A module with the lessons it is to hold, in order."""

    id: uuid.UUID
    lesson_ids: tuple[uuid.UUID, ...]


def add_module(
    *, actor: Actor, version_id: uuid.UUID, revision: str, facts: ModuleFacts, position: int | None = None
) -> Edited:
    """Add a module at a position counted from 0, last without one.

    Raises:
        NotFound, Forbidden, VersionFrozen, CourseArchived, StaleVersion: see `do_lock_draft`.
        TextEmpty, TextTooLong: title or summary.
    """
    with entry_transaction():
        draft = do_lock_draft(actor=actor, version_id=version_id, revision=revision, rule=EDIT)
        module = Module(version=draft)
        apply_module_facts(module, facts)
        module.position = do_make_room(modules_of(version_id), wanted=position)
        module.save(force_insert=True)
        return _edited(actor, draft, "add_module", module)


def update_module(
    *, actor: Actor, version_id: uuid.UUID, module_id: uuid.UUID, revision: str, facts: ModuleFacts
) -> Edited:
    """Change title or summary of a module.

    Raises:
        NotFound: also when the version has no such module; others as for `add_module`.
    """
    with entry_transaction():
        draft = do_lock_draft(actor=actor, version_id=version_id, revision=revision, rule=EDIT)
        module = _module(version_id, module_id)
        module.save_fields(*apply_module_facts(module, facts))
        return _edited(actor, draft, "update_module", module)


def delete_module(*, actor: Actor, version_id: uuid.UUID, module_id: uuid.UUID, revision: str) -> Edited:
    """Delete a module with its lessons.

    Raises:
        NotFound: also when the version has no such module; others as for `add_module`.
    """
    with entry_transaction():
        draft = do_lock_draft(actor=actor, version_id=version_id, revision=revision, rule=EDIT)
        module = _module(version_id, module_id)
        edited = _edited(actor, draft, "delete_module", module)
        lessons = Lesson.objects.filter(module_id=module_id).order_by()
        text_ids = list(lessons.values_list("text_id", flat=True))
        lessons.delete()
        do_drop_texts(text_ids)
        module.delete()
        do_close_gap(modules_of(version_id), position=module.position)
        return edited


def add_lesson(
    *,
    actor: Actor,
    version_id: uuid.UUID,
    revision: str,
    module_id: uuid.UUID,
    facts: LessonFacts,
    position: int | None = None,
) -> Edited:
    """Add a lesson to a module at a position counted from 0, last without one.

    Raises:
        NotFound, Forbidden, VersionFrozen, CourseArchived, StaleVersion: see `do_lock_draft`.
        UnknownModule: no such module in this version.
        TextEmpty, TextTooLong, LessonContentRefused, UnknownDocument: see `apply_facts`.
    """
    with entry_transaction():
        draft = do_lock_draft(actor=actor, version_id=version_id, revision=revision, rule=EDIT)
        _require_module(version_id, module_id)
        lesson = Lesson(version=draft, module_id=module_id)
        apply_facts(lesson, facts)
        lesson.position = do_make_room(lessons_of(module_id), wanted=position)
        do_save_text(lesson)
        lesson.save(force_insert=True)
        return _edited(actor, draft, "add_lesson", lesson)


def update_lesson(
    *,
    actor: Actor,
    version_id: uuid.UUID,
    lesson_id: uuid.UUID,
    revision: str,
    facts: LessonFacts,
    module_id: uuid.UUID | None = None,
) -> Edited:
    """Change a lesson; with `module_id` of another module, move it there, to the end.

    Raises:
        NotFound: also when the version has no such lesson; others as for `add_lesson`.
    """
    with entry_transaction():
        draft = do_lock_draft(actor=actor, version_id=version_id, revision=revision, rule=EDIT)
        lesson = _lesson(version_id, lesson_id)
        old_text_id = lesson.text_id
        changed = apply_facts(lesson, facts)
        do_save_text(lesson)
        if module_id is not None and module_id != lesson.module_id:
            _require_module(version_id, module_id)
            left, place = lesson.module_id, lesson.position
            lesson.position = do_make_room(lessons_of(module_id), wanted=None)
            lesson.module_id = module_id
            changed |= {"module_id", "position"}
            lesson.save_fields(*changed)
            do_close_gap(lessons_of(left), position=place)
        else:
            lesson.save_fields(*changed)
        if "text_id" in changed:
            do_drop_texts([old_text_id])
        return _edited(actor, draft, "update_lesson", lesson)


def delete_lesson(*, actor: Actor, version_id: uuid.UUID, lesson_id: uuid.UUID, revision: str) -> Edited:
    """Delete a lesson of a draft.

    Raises:
        NotFound: also when the version has no such lesson; others as for `add_lesson`.
    """
    with entry_transaction():
        draft = do_lock_draft(actor=actor, version_id=version_id, revision=revision, rule=EDIT)
        lesson = _lesson(version_id, lesson_id)
        edited = _edited(actor, draft, "delete_lesson", lesson)
        lesson.delete()
        do_drop_texts([lesson.text_id])
        do_close_gap(lessons_of(lesson.module_id), position=lesson.position)
        return edited


def order_version(
    *, actor: Actor, version_id: uuid.UUID, revision: str, order: Sequence[ModuleOrder]
) -> Edited:
    """Put the whole tree in order at once; lessons may change module. One UPDATE for each level.

    Args:
        actor: who acts.
        version_id: the draft.
        revision: what the caller read.
        order: every module once, and every lesson once under the module that is to hold it.

    Raises:
        NotFound, Forbidden, VersionFrozen, CourseArchived, StaleVersion: see `do_lock_draft`.
        OrderIncomplete: not exactly the modules and lessons that are there.
    """
    with entry_transaction():
        draft = do_lock_draft(actor=actor, version_id=version_id, revision=revision, rule=EDIT)
        module_ids = [module.id for module in order]
        require_same(
            set(Module.objects.filter(version_id=version_id).order_by().values_list("id", flat=True)),
            module_ids,
            field="modules",
        )
        places = [(module.id, lesson_id) for module in order for lesson_id in module.lesson_ids]
        lesson_ids = [lesson_id for _, lesson_id in places]
        require_same(
            set(Lesson.objects.filter(version_id=version_id).order_by().values_list("id", flat=True)),
            lesson_ids,
            field="lessons",
        )
        do_order(Module, parents=[version_id] * len(module_ids), ids=module_ids, column="version_id")
        do_order(Lesson, parents=[module for module, _ in places], ids=lesson_ids, column="module_id")
        return _edited(actor, draft, "order", draft)


def _edited(actor: Actor, draft: CourseVersion, act: str, row: CourseVersion | Module | Lesson) -> Edited:
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
    return Edited(row.pk, revision)


def _module(version_id: uuid.UUID, module_id: uuid.UUID) -> Module:
    module = Module.objects.filter(pk=module_id, version_id=version_id).first()
    if module is None:
        raise NotFound
    return module


def _lesson(version_id: uuid.UUID, lesson_id: uuid.UUID) -> Lesson:
    lesson = Lesson.objects.filter(pk=lesson_id, version_id=version_id).select_related("text").first()
    if lesson is None:
        raise NotFound
    return lesson


def _require_module(version_id: uuid.UUID, module_id: uuid.UUID) -> None:
    if not Module.objects.filter(pk=module_id, version_id=version_id).exists():
        raise UnknownModule(field="module_id")
