"""Modules and lessons copied inside their draft: new units of their own (new lineage), the same texts and
files. A version copied into a draft keeps lineage instead; see `drafts`."""

import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from django.db.models import Model

from shared_apps.core import clock
from shared_apps.core.actors import Actor
from shared_apps.core.ids import new_id
from shared_apps.core.transactions import entry_transaction, require_transaction
from tenant_apps.courses.models import CourseVersion, Lesson, LessonResource, Module, Translation
from tenant_apps.courses.policies import EDIT
from tenant_apps.courses.services.edits import Edited, do_lock_lesson, find_module, finish_edit
from tenant_apps.courses.services.steps import do_lock_draft
from tenant_apps.courses.services.tree import do_make_room, modules_of, siblings_of

_Row = TypeVar("_Row", bound=Model)


@dataclass(slots=True)
class Copies:
    """Rows to be written, made from others of the same draft.

    Attributes:
        lessons: lessons and topics by the id of what they were made from, lessons first.
        lineages: new lineage by old one, as text.
    """

    lessons: dict[uuid.UUID, Lesson] = field(default_factory=dict)
    resources: list[LessonResource] = field(default_factory=list)
    translations: list[Translation] = field(default_factory=list)
    lineages: dict[str, str] = field(default_factory=dict)


def duplicate_lesson(*, actor: Actor, version_id: uuid.UUID, lesson_id: uuid.UUID, revision: str) -> Edited:
    """Copy a lesson with its topics, resources and translations, right behind it; a topic stays below its
    lesson. Rules that name other units keep naming them.

    Raises:
        NotFound, StaleVersion and others: see `do_lock_lesson`.
    """
    with entry_transaction():
        draft, lesson = do_lock_lesson(
            actor=actor, version_id=version_id, lesson_id=lesson_id, revision=revision
        )
        copies = copies_of(draft, [lesson])
        made = copies.lessons[lesson.id]
        made.position = do_make_room(siblings_of(lesson), wanted=lesson.position + 1)
        do_write_copies(copies)
        return finish_edit(actor=actor, draft=draft, act="duplicate_lesson", row=made, lesson=made)


def duplicate_module(*, actor: Actor, version_id: uuid.UUID, module_id: uuid.UUID, revision: str) -> Edited:
    """Copy a module with everything in it, right behind it; see `duplicate_lesson`.

    Raises:
        NotFound: also when the version has no such module; others as for `do_lock_draft`.
    """
    with entry_transaction():
        draft = do_lock_draft(actor=actor, version_id=version_id, revision=revision, rule=EDIT)
        module = find_module(version_id, module_id)
        made = _copied(module)
        made.lineage, made.key = new_id(), ""
        made.position = do_make_room(modules_of(version_id), wanted=module.position + 1)
        inside = list(Lesson.objects.filter(module_id=module_id, parent=None).order_by("position"))
        copies = copies_of(draft, inside, more={str(module.lineage): str(made.lineage)}, modules=[module])
        for lesson in copies.lessons.values():
            lesson.module_id = made.id
        _rename_units(made, copies.lineages)
        made.save(force_insert=True)
        do_write_copies(copies)
        return finish_edit(actor=actor, draft=draft, act="duplicate_module", row=made)


def copies_of(
    draft: CourseVersion,
    lessons: Sequence[Lesson],
    *,
    topics: Sequence[Lesson] | None = None,
    more: Mapping[str, str] | None = None,
    modules: Collection[Module] = (),
) -> Copies:
    """Return unsaved copies of lessons and all that hangs on them; three queries, whatever their number.

    Args:
        draft: locked.
        lessons: rows of it, as they are to be copied.
        topics: of these lessons, where the caller has them already.
        more: new lineages by old ones of what is copied besides.
        modules: copied besides, whose translations are to come along.
    """
    copies = Copies(lineages=dict(more or {}))
    if topics is None:
        topics = list(Lesson.objects.filter(parent__in=[each.id for each in lessons]).order_by("position"))
    for lesson in (*lessons, *topics):
        made = _copied(lesson)
        made.lineage, made.key, made.revision = new_id(), "", 1
        copies.lessons[lesson.id] = made
        copies.lineages[str(lesson.lineage)] = str(made.lineage)
    for made in copies.lessons.values():
        if made.parent_id in copies.lessons:
            made.parent_id = copies.lessons[made.parent_id].id
        _rename_units(made, copies.lineages)
    for resource in LessonResource.objects.filter(lesson__in=copies.lessons):
        twin = _copied(resource)
        twin.lineage, twin.lesson_id = new_id(), copies.lessons[resource.lesson_id].id
        copies.resources.append(twin)
    translated = [*(each.lineage for each in modules), *map(uuid.UUID, copies.lineages)]
    for translation in Translation.objects.filter(version=draft, lineage__in=translated):
        again = _copied(translation)
        again.lineage = uuid.UUID(copies.lineages[str(translation.lineage)])
        copies.translations.append(again)
    return copies


def do_write_copies(copies: Copies) -> None:
    """Insert the copies, in at most three statements."""
    require_transaction()
    Lesson.objects.bulk_create(copies.lessons.values())
    LessonResource.objects.bulk_create(copies.resources)
    Translation.objects.bulk_create(copies.translations)


def _copied(row: _Row) -> _Row:
    """Return an unsaved row with the same columns but for key and times."""
    columns: Iterable[str] = (each.attname for each in row._meta.concrete_fields)
    values: dict[str, Any] = {name: getattr(row, name) for name in columns}
    now = clock.now()
    return type(row)(**{**values, "id": new_id(), "created_at": now, "updated_at": now})


def _rename_units(row: Module | Lesson, lineages: Mapping[str, str]) -> None:
    """Let the rules of a copy name the copies of what was copied with it."""
    row.requires = [lineages.get(each, each) for each in row.requires]
    row.release, row.due = (
        {**rule, "unit": lineages.get(rule["unit"], rule["unit"])} if rule and "unit" in rule else rule
        for rule in (row.release, row.due)
    )
