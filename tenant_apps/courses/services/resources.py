"""Files and addresses beside a lesson or topic of a draft."""

import uuid
from collections.abc import Sequence
from typing import Final, TypedDict

from shared_apps.core.actors import Actor
from shared_apps.core.errors import NotFound
from shared_apps.core.transactions import entry_transaction
from tenant_apps.courses.errors import ResourceNeedsOne, TooManyResources, UnknownDocument
from tenant_apps.courses.models import LessonResource
from tenant_apps.courses.services.content import checked_address, plain_title
from tenant_apps.courses.services.edits import Edited, do_lock_lesson, do_touch_lesson, finish_edit
from tenant_apps.courses.services.tree import do_close_gap, do_make_room, do_order, resources_of
from tenant_apps.media.selectors.files import existing_file_ids

MAX_RESOURCES: Final = 100


class ResourceFacts(TypedDict, total=False):
    """What an author says of a resource; a key left out stays as it is."""

    title: str
    file_id: uuid.UUID | None
    url: str
    is_downloadable: bool


def add_resource(
    *,
    actor: Actor,
    version_id: uuid.UUID,
    lesson_id: uuid.UUID,
    revision: str,
    facts: ResourceFacts,
    position: int | None = None,
) -> Edited:
    """Add a resource at a position counted from 0, last without one.

    Raises:
        NotFound, StaleVersion and others: see `do_lock_lesson`.
        ResourceNeedsOne: not exactly one of file and address.
        UnknownDocument: no such file.
        TextEmpty, TextTooLong, LessonContentRefused: the title, or the address.
        TooManyResources: the lesson has 100.
    """
    with entry_transaction():
        draft, lesson = do_lock_lesson(
            actor=actor, version_id=version_id, lesson_id=lesson_id, revision=revision
        )
        siblings = resources_of(lesson_id)
        if siblings.rows.count() >= MAX_RESOURCES:
            raise TooManyResources(limit=MAX_RESOURCES)
        resource = LessonResource(version=draft, lesson=lesson)
        _apply(resource, facts)
        resource.position = do_make_room(siblings, wanted=position)
        resource.save(force_insert=True)
        do_touch_lesson(lesson)
        return finish_edit(actor=actor, draft=draft, act="add_resource", row=resource, lesson=lesson)


def update_resource(
    *,
    actor: Actor,
    version_id: uuid.UUID,
    lesson_id: uuid.UUID,
    resource_id: uuid.UUID,
    revision: str,
    facts: ResourceFacts,
) -> Edited:
    """Change a resource.

    Raises:
        NotFound: also when the lesson has no such resource; others as for `add_resource`.
    """
    with entry_transaction():
        draft, lesson = do_lock_lesson(
            actor=actor, version_id=version_id, lesson_id=lesson_id, revision=revision
        )
        resource = _resource(lesson_id, resource_id)
        _apply(resource, facts)
        resource.save_fields("title", "file", "url", "is_downloadable")
        do_touch_lesson(lesson)
        return finish_edit(actor=actor, draft=draft, act="update_resource", row=resource, lesson=lesson)


def delete_resource(
    *, actor: Actor, version_id: uuid.UUID, lesson_id: uuid.UUID, resource_id: uuid.UUID, revision: str
) -> Edited:
    """Take a resource away; its file stays in the library.

    Raises:
        NotFound: also when the lesson has no such resource; others as for `do_lock_lesson`.
    """
    with entry_transaction():
        draft, lesson = do_lock_lesson(
            actor=actor, version_id=version_id, lesson_id=lesson_id, revision=revision
        )
        resource = _resource(lesson_id, resource_id)
        do_touch_lesson(lesson)
        edited = finish_edit(actor=actor, draft=draft, act="delete_resource", row=resource, lesson=lesson)
        resource.delete()
        do_close_gap(resources_of(lesson_id), position=resource.position)
        return edited


def order_resources(
    *,
    actor: Actor,
    version_id: uuid.UUID,
    lesson_id: uuid.UUID,
    revision: str,
    resource_ids: Sequence[uuid.UUID],
) -> Edited:
    """Put all resources of a lesson in order at once.

    Raises:
        NotFound, StaleVersion and others: see `do_lock_lesson`.
        OrderIncomplete: not exactly the resources that are there.
    """
    with entry_transaction():
        draft, lesson = do_lock_lesson(
            actor=actor, version_id=version_id, lesson_id=lesson_id, revision=revision
        )
        do_order(resources_of(lesson_id), resource_ids, field="resource_ids")
        do_touch_lesson(lesson)
        return finish_edit(actor=actor, draft=draft, act="order_resources", row=lesson, lesson=lesson)


def _apply(resource: LessonResource, facts: ResourceFacts) -> None:
    if "title" in facts:
        resource.title = plain_title(facts["title"])
    if "is_downloadable" in facts:
        resource.is_downloadable = facts["is_downloadable"]
    # One in the place of the other.
    if facts.get("file_id"):
        resource.file_id, resource.url = facts["file_id"], facts.get("url") or ""
    if facts.get("url"):
        resource.url = checked_address(facts["url"], field="url")
        resource.file_id = facts.get("file_id")
    if (resource.file_id is None) == (not resource.url):
        raise ResourceNeedsOne
    if facts.get("file_id") and not existing_file_ids([facts["file_id"]]):  # type: ignore[list-item]
        raise UnknownDocument(field="file_id")


def _resource(lesson_id: uuid.UUID, resource_id: uuid.UUID) -> LessonResource:
    found = LessonResource.objects.filter(pk=resource_id, lesson_id=lesson_id).first()
    if found is None:
        raise NotFound
    return found
