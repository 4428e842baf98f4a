"""Drafts: copied from any version of the course, in a number of statements that does not grow."""

import uuid
from typing import Any

from django.db import connection
from django.db.models import Max

from shared_apps.core import clock
from shared_apps.core.actors import Actor
from shared_apps.core.errors import NotFound
from shared_apps.core.ids import new_id
from shared_apps.core.transactions import entry_transaction, require_transaction
from tenant_apps.courses.enums import VersionState
from tenant_apps.courses.errors import UnknownVersion
from tenant_apps.courses.models import Course, CourseVersion, Lesson, Module
from tenant_apps.courses.policies import EDIT, visible_versions
from tenant_apps.courses.services.steps import do_audit, do_lock_course, do_lock_draft, refuse_archived

# Ids are made here and travel as arrays; titles and bodies never leave the database.
_COPY_MODULES = """
INSERT INTO courses_module
       (id, created_at, updated_at, version_id, lineage, key, title, summary, position)
SELECT copied.new, %(now)s, %(now)s, %(version)s, m.lineage, m.key, m.title, m.summary, m.position
  FROM courses_module m
  JOIN unnest(%(old)s::uuid[], %(new)s::uuid[]) AS copied(old, new) ON copied.old = m.id
"""
_COPY_LESSONS = """
INSERT INTO courses_lesson
       (id, created_at, updated_at, version_id, module_id, lineage, key, title, kind, position, is_published,
        is_required, minutes, body_format, body, body_html, document_id, embed_url)
SELECT copied.new, %(now)s, %(now)s, %(version)s, parents.new, l.lineage, l.key, l.title, l.kind, l.position,
       l.is_published, l.is_required, l.minutes, l.body_format, l.body, l.body_html, l.document_id,
       l.embed_url
  FROM courses_lesson l
  JOIN unnest(%(old)s::uuid[], %(new)s::uuid[]) AS copied(old, new) ON copied.old = l.id
  JOIN unnest(%(old_parents)s::uuid[], %(new_parents)s::uuid[]) AS parents(old, new)
    ON parents.old = l.module_id
"""


def create_draft(
    *, actor: Actor, course_id: uuid.UUID, based_on_id: uuid.UUID | None, note: str = ""
) -> CourseVersion:
    """Copy a version of the course into a new draft, keeping the lineage of every module and lesson.

    Args:
        actor: who acts.
        course_id: the course.
        based_on_id: the version to copy; None for the newest.
        note: what the draft is for.

    Raises:
        NotFound, Forbidden: see `do_lock_course`.
        CourseArchived: the course is archived.
        UnknownVersion: no such version of this course.
    """
    with entry_transaction():
        course = do_lock_course(actor=actor, course_id=course_id, rule=EDIT)
        refuse_archived(course)
        versions = course.versions.order_by("-number")
        source = (versions.filter(pk=based_on_id) if based_on_id else versions).first()
        if source is None and based_on_id is not None:
            raise UnknownVersion(field="based_on_id")
        draft = do_create_draft(course=course, based_on=source, note=note)
        if source is not None:
            do_copy_content(source_id=source.id, target_id=draft.id)
        do_audit(
            actor=actor,
            action="courses.draft",
            target=draft,
            course_id=str(course_id),
            number=draft.number,
            based_on=source.number if source else None,
        )
    return draft


def copy_version(*, actor: Actor, version_id: uuid.UUID, note: str = "") -> CourseVersion:
    """Make a draft from this version, wherever its course is; see `create_draft`."""
    found = visible_versions(actor).filter(pk=version_id).values_list("course_id", flat=True).first()
    if found is None:
        raise NotFound
    return create_draft(actor=actor, course_id=found, based_on_id=version_id, note=note)


def delete_draft(*, actor: Actor, version_id: uuid.UUID, revision: str) -> None:
    """Throw a draft away for good.

    Raises:
        NotFound, Forbidden, VersionFrozen, CourseArchived, StaleVersion: see `do_lock_draft`.
    """
    with entry_transaction():
        draft = do_lock_draft(actor=actor, version_id=version_id, revision=revision, rule=EDIT)
        do_audit(
            actor=actor,
            action="courses.discard",
            target=draft,
            course_id=str(draft.course_id),
            number=draft.number,
        )
        Lesson.objects.filter(version_id=version_id).delete()
        Module.objects.filter(version_id=version_id).delete()
        draft.delete()


def do_create_draft(*, course: Course, based_on: CourseVersion | None, note: str) -> CourseVersion:
    """Write an empty draft of a locked course, with the next number."""
    require_transaction()
    newest = CourseVersion.objects.filter(course_id=course.id).aggregate(newest=Max("number"))["newest"]
    return CourseVersion.objects.create(
        course=course, number=(newest or 0) + 1, state=VersionState.DRAFT, based_on=based_on, note=note
    )


def do_copy_content(*, source_id: uuid.UUID, target_id: uuid.UUID) -> None:
    """Copy modules and lessons into an empty draft: two reads of ids and two writes, whatever the size."""
    require_transaction()
    modules = list(Module.objects.filter(version_id=source_id).order_by().values_list("id", flat=True))
    lessons = list(Lesson.objects.filter(version_id=source_id).order_by().values_list("id", flat=True))
    new_modules = [new_id() for _ in modules]
    names: dict[str, Any] = {"now": clock.now(), "version": target_id}
    with connection.cursor() as cursor:
        if modules:
            cursor.execute(_COPY_MODULES, {**names, "old": modules, "new": new_modules})
        if lessons:
            cursor.execute(
                _COPY_LESSONS,
                {
                    **names,
                    "old": lessons,
                    "new": [new_id() for _ in lessons],
                    "old_parents": modules,
                    "new_parents": new_modules,
                },
            )
