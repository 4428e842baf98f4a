"""Edit a draft: modules, lessons and topics, and their order. Every edit names the revision it was made
from (see `edits`)."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from shared_apps.core.actors import Actor
from shared_apps.core.transactions import entry_transaction
from tenant_apps.courses.content.rules import parse_version_rules, version_rules_json
from tenant_apps.courses.errors import TopicOfTopic, TopicStaysWithLesson
from tenant_apps.courses.models import Lesson, Module
from tenant_apps.courses.policies import EDIT
from tenant_apps.courses.services.checks import do_check_rules_of, do_check_version_rules
from tenant_apps.courses.services.content import LessonFacts, ModuleFacts, apply_facts, apply_module_facts
from tenant_apps.courses.services.edits import (
    RULES,
    Edited,
    do_lock_lesson,
    do_save_lesson,
    do_touch_lesson,
    find_module,
    finish_edit,
    require_module,
)
from tenant_apps.courses.services.steps import do_lock_draft
from tenant_apps.courses.services.texts import do_save_text
from tenant_apps.courses.services.tree import (
    LessonPlace,
    do_close_gap,
    do_make_room,
    do_order,
    do_place_lessons,
    lessons_of,
    modules_of,
    require_same,
    siblings_of,
    topics_of,
)
from tenant_apps.courses.services.trimming import do_delete_lessons, do_delete_translations


@dataclass(frozen=True, slots=True)
class ModuleOrder:
    """A module with the lessons it is to hold, in order."""

    id: uuid.UUID
    lesson_ids: tuple[uuid.UUID, ...]


def set_version_rules(*, actor: Actor, version_id: uuid.UUID, revision: str, rules: object) -> Edited:
    """Set the rules of the whole version; what `rules` leaves out has its default.

    Raises:
        NotFound, Forbidden, VersionFrozen, CourseArchived, StaleVersion: see `do_lock_draft`.
        RuleRefused: a rule that cannot be read, or sequence and prerequisites that contradict each other.
    """
    with entry_transaction():
        draft = do_lock_draft(actor=actor, version_id=version_id, revision=revision, rule=EDIT)
        draft.rules = version_rules_json(parse_version_rules(rules))
        draft.save_fields("rules")
        do_check_version_rules(draft)
        return finish_edit(actor=actor, draft=draft, act="rules", row=draft)


def add_module(
    *, actor: Actor, version_id: uuid.UUID, revision: str, facts: ModuleFacts, position: int | None = None
) -> Edited:
    """Add a module at a position counted from 0, last without one.

    Raises:
        NotFound, Forbidden, VersionFrozen, CourseArchived, StaleVersion: see `do_lock_draft`.
        TextEmpty, TextTooLong, RuleRefused: see `apply_module_facts`.
    """
    with entry_transaction():
        draft = do_lock_draft(actor=actor, version_id=version_id, revision=revision, rule=EDIT)
        module = Module(version=draft)
        changed = apply_module_facts(module, facts)
        module.position = do_make_room(modules_of(version_id), wanted=position)
        module.save(force_insert=True)
        if changed & RULES:
            do_check_rules_of(draft, [module.lineage])
        return finish_edit(actor=actor, draft=draft, act="add_module", row=module)


def update_module(
    *, actor: Actor, version_id: uuid.UUID, module_id: uuid.UUID, revision: str, facts: ModuleFacts
) -> Edited:
    """Change title, summary or rules of a module.

    Raises:
        NotFound: also when the version has no such module; others as for `add_module`.
    """
    with entry_transaction():
        draft = do_lock_draft(actor=actor, version_id=version_id, revision=revision, rule=EDIT)
        module = find_module(version_id, module_id)
        changed = apply_module_facts(module, facts)
        module.save_fields(*changed)
        if changed & RULES:
            do_check_rules_of(draft, [module.lineage])
        return finish_edit(actor=actor, draft=draft, act="update_module", row=module)


def delete_module(*, actor: Actor, version_id: uuid.UUID, module_id: uuid.UUID, revision: str) -> Edited:
    """Delete a module with its lessons.

    Raises:
        NotFound: also when the version has no such module; others as for `add_module`.
    """
    with entry_transaction():
        draft = do_lock_draft(actor=actor, version_id=version_id, revision=revision, rule=EDIT)
        module = find_module(version_id, module_id)
        edited = finish_edit(actor=actor, draft=draft, act="delete_module", row=module)
        do_delete_lessons(version_id, Lesson.objects.filter(module_id=module_id))
        do_delete_translations(version_id, [module.lineage])
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
        TextEmpty, TextTooLong, LessonContentRefused, RuleRefused, UnknownDocument: see `apply_facts`.
    """
    with entry_transaction():
        draft = do_lock_draft(actor=actor, version_id=version_id, revision=revision, rule=EDIT)
        require_module(version_id, module_id)
        lesson = Lesson(version=draft, module_id=module_id)
        changed = apply_facts(lesson, facts)
        lesson.position = do_make_room(lessons_of(module_id), wanted=position)
        do_save_text(lesson)
        lesson.save(force_insert=True)
        if changed & RULES:
            do_check_rules_of(draft, [lesson.lineage])
        return finish_edit(actor=actor, draft=draft, act="add_lesson", row=lesson, lesson=lesson)


def add_topic(
    *,
    actor: Actor,
    version_id: uuid.UUID,
    lesson_id: uuid.UUID,
    revision: str,
    facts: LessonFacts,
    position: int | None = None,
) -> Edited:
    """Add a topic below a lesson at a position counted from 0, last without one.

    Raises:
        NotFound, StaleVersion and others: see `do_lock_lesson`.
        TopicOfTopic: the lesson is a topic itself.
        TextEmpty, TextTooLong, LessonContentRefused, RuleRefused, UnknownDocument: see `apply_facts`.
    """
    with entry_transaction():
        draft, parent = do_lock_lesson(
            actor=actor, version_id=version_id, lesson_id=lesson_id, revision=revision
        )
        if parent.parent_id is not None:
            raise TopicOfTopic
        topic = Lesson(version=draft, module_id=parent.module_id, parent=parent)
        changed = apply_facts(topic, facts)
        topic.position = do_make_room(topics_of(lesson_id), wanted=position)
        do_save_text(topic)
        topic.save(force_insert=True)
        if changed & RULES:
            do_check_rules_of(draft, [topic.lineage])
        do_touch_lesson(parent)
        return finish_edit(actor=actor, draft=draft, act="add_topic", row=topic, lesson=parent)


def update_lesson(
    *,
    actor: Actor,
    version_id: uuid.UUID,
    lesson_id: uuid.UUID,
    revision: str,
    facts: LessonFacts,
    module_id: uuid.UUID | None = None,
) -> Edited:
    """Change a lesson or topic; with `module_id` of another module, move a lesson there, to the end, with its
    topics.

    Raises:
        NotFound, StaleVersion and others: see `do_lock_lesson`.
        UnknownModule: no such module in this version.
        TopicStaysWithLesson: a topic is to go to another module.
        TextEmpty, TextTooLong, LessonContentRefused, RuleRefused, UnknownDocument: see `apply_facts`.
    """
    with entry_transaction():
        draft, lesson = do_lock_lesson(
            actor=actor, version_id=version_id, lesson_id=lesson_id, revision=revision
        )
        left = None
        if module_id is not None and module_id != lesson.module_id:
            if lesson.parent_id is not None:
                raise TopicStaysWithLesson
            require_module(version_id, module_id)
            left = siblings_of(lesson), lesson.position
            lesson.position = do_make_room(lessons_of(module_id), wanted=None)
            lesson.module_id = module_id
        more = frozenset({"module_id", "position"}) if left else frozenset()
        do_save_lesson(draft, lesson, facts, actor=actor, more=more)
        if left:
            Lesson.objects.filter(parent=lesson).update(module=lesson.module_id)
            do_close_gap(left[0], position=left[1])
        return finish_edit(actor=actor, draft=draft, act="update_lesson", row=lesson, lesson=lesson)


def delete_lesson(*, actor: Actor, version_id: uuid.UUID, lesson_id: uuid.UUID, revision: str) -> Edited:
    """Delete a lesson of a draft with its topics, or one topic.

    Raises:
        NotFound, StaleVersion and others: see `do_lock_lesson`.
    """
    with entry_transaction():
        draft, lesson = do_lock_lesson(
            actor=actor, version_id=version_id, lesson_id=lesson_id, revision=revision
        )
        edited = finish_edit(actor=actor, draft=draft, act="delete_lesson", row=lesson)
        family = Lesson.objects.filter(pk=lesson_id) | Lesson.objects.filter(parent_id=lesson_id)
        do_delete_lessons(version_id, family)
        do_close_gap(siblings_of(lesson), position=lesson.position)
        return edited


def order_topics(
    *,
    actor: Actor,
    version_id: uuid.UUID,
    lesson_id: uuid.UUID,
    revision: str,
    topic_ids: Sequence[uuid.UUID],
) -> Edited:
    """Put all topics of a lesson in order at once.

    Raises:
        NotFound, StaleVersion and others: see `do_lock_lesson`.
        OrderIncomplete: not exactly the topics that are there.
    """
    with entry_transaction():
        draft, lesson = do_lock_lesson(
            actor=actor, version_id=version_id, lesson_id=lesson_id, revision=revision
        )
        do_order(topics_of(lesson_id), topic_ids, field="topic_ids")
        do_touch_lesson(lesson)
        return finish_edit(actor=actor, draft=draft, act="order_topics", row=lesson, lesson=lesson)


def order_version(
    *, actor: Actor, version_id: uuid.UUID, revision: str, order: Sequence[ModuleOrder]
) -> Edited:
    """Put modules and lessons in order at once; lessons may change module and take their topics along. One
    UPDATE for each level.

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
        do_order(modules_of(version_id), [module.id for module in order], field="modules")
        places = [LessonPlace(lesson_id, module.id) for module in order for lesson_id in module.lesson_ids]
        present = Lesson.objects.filter(version_id=version_id, parent=None).order_by()
        require_same(
            set(present.values_list("id", flat=True)), [each.lesson_id for each in places], field="lessons"
        )
        do_place_lessons(places)
        return finish_edit(actor=actor, draft=draft, act="order", row=draft)
