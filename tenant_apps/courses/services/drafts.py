"""Drafts: copied from any version of the course, in a number of statements that does not grow."""

import uuid
from collections.abc import Iterable, Mapping
from typing import Any, Final

from django.db import connection
from django.db.models import Max, Model

from shared_apps.core import clock
from shared_apps.core.actors import Actor
from shared_apps.core.errors import NotFound
from shared_apps.core.ids import new_id
from shared_apps.core.transactions import entry_transaction, require_transaction
from tenant_apps.courses.enums import VersionState
from tenant_apps.courses.errors import UnknownVersion
from tenant_apps.courses.locks import version_to_copy
from tenant_apps.courses.models import Course, CourseVersion, Lesson, LessonResource, Module, Translation
from tenant_apps.courses.policies import EDIT, visible_versions
from tenant_apps.courses.services.review_steps import do_follow_reviews, do_lock_course_of
from tenant_apps.courses.services.steps import do_audit, do_lock_course, do_lock_draft, refuse_archived
from tenant_apps.courses.services.texts import do_drop_texts

# Of a copy its own; everything else of a row is taken along, columns of later releases too.
_OWN: Final = frozenset({"id", "created_at", "updated_at", "version_id"})


# Where texts stood before they had rows of their own: not carried along.
_FORMER_TEXT: Final = {"body_format": "'markdown'", "body": "''", "body_html": "''"}


def _copied(model: type[Model], *, without: Iterable[str] = ()) -> list[str]:
    """Return the columns that a copy takes as they are."""
    columns = [str(field.column) for field in model._meta.concrete_fields]
    return [column for column in columns if column not in _OWN and column not in without]


def _copying(
    model: type[Model], *, order: str, joins: str = "", resolved: Mapping[str, str] | None = None
) -> str:
    """Return the statement that copies a version's rows of a table.

    Ids are made in Python and travel as one array, in `order`; titles, texts and rules never leave the
    database.

    Args:
        model: whose rows; they name their version.
        order: the order of the new ids, so that they rise as learners meet the rows.
        joins: further tables that the copies point to.
        resolved: for each column that points to another copy, where its new value stands.
    """
    resolved = dict(resolved or {})
    plain = _copied(model, without=("revision", *resolved))
    table = model._meta.db_table
    return f"""
WITH source AS (
    SELECT ids.id AS new_id, row.*
      FROM (SELECT t.*, row_number() OVER (ORDER BY {order}) AS number
              FROM {table} t WHERE t.version_id = %(source)s) row
      JOIN unnest(%(ids)s::uuid[]) WITH ORDINALITY AS ids(id, number) USING (number)
)
INSERT INTO {table} (id, created_at, updated_at, version_id, {", ".join([*plain, *resolved])})
SELECT source.new_id, %(now)s, %(now)s, %(target)s,
       {", ".join([*(f"source.{column}" for column in plain), *resolved.values()])}
  FROM source {joins}
"""  # noqa: S608  names of our own tables


_COPIES: Final[tuple[tuple[str, str], ...]] = (
    ("modules", _copying(Module, order="t.position")),
    (
        "lessons",
        _copying(
            Lesson,
            order="t.module_id, t.parent_id NULLS FIRST, t.position",
            joins="""
  JOIN courses_module old ON old.id = source.module_id
  JOIN courses_module copy ON copy.version_id = %(target)s AND copy.lineage = old.lineage
  LEFT JOIN source parent ON parent.id = source.parent_id""",
            resolved={"module_id": "copy.id", "parent_id": "parent.new_id", **_FORMER_TEXT},
        ),
    ),
    (
        "resources",
        _copying(
            LessonResource,
            order="t.lesson_id, t.position",
            joins="""
  JOIN courses_lesson old ON old.id = source.lesson_id
  JOIN courses_lesson copy ON copy.version_id = %(target)s AND copy.lineage = old.lineage""",
            resolved={"lesson_id": "copy.id"},
        ),
    ),
    ("translations", _copying(Translation, order="t.id")),
)
_COUNTS: Final = """
SELECT (SELECT count(*) FROM courses_module WHERE version_id = %(source)s) AS modules,
       (SELECT count(*) FROM courses_lesson WHERE version_id = %(source)s) AS lessons,
       (SELECT count(*) FROM courses_lessonresource WHERE version_id = %(source)s) AS resources,
       (SELECT count(*) FROM courses_translation WHERE version_id = %(source)s) AS translations
"""


def create_draft(
    *, actor: Actor, course_id: uuid.UUID, based_on_id: uuid.UUID | None, note: str = ""
) -> CourseVersion:
    """Copy a version of the course into a new draft, keeping the lineage of every module and lesson.

    Any version will do: a draft, or a published one older than the newest.

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
        source = do_lock_source(course_id, based_on_id)
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
    """Throw a draft away for good, and the texts that no other version has.

    Raises:
        NotFound, Forbidden, VersionFrozen, CourseArchived, StaleVersion: see `do_lock_draft`.
    """
    with entry_transaction():
        course = do_lock_course_of(version_id)
        draft = do_lock_draft(actor=actor, version_id=version_id, revision=revision, rule=EDIT)
        do_audit(
            actor=actor,
            action="courses.discard",
            target=draft,
            course_id=str(draft.course_id),
            number=draft.number,
        )
        texts = _text_ids(version_id)
        Lesson.objects.filter(version_id=version_id).delete()
        Module.objects.filter(version_id=version_id).delete()
        draft.delete()
        do_drop_texts(texts)
        if course is not None:
            do_follow_reviews(course)


def do_create_draft(*, course: Course, based_on: CourseVersion | None, note: str) -> CourseVersion:
    """Write an empty draft of a locked course, with the next number and the rules of what it is based on."""
    require_transaction()
    newest = CourseVersion.objects.filter(course_id=course.id).aggregate(newest=Max("number"))["newest"]
    return CourseVersion.objects.create(
        course=course,
        number=(newest or 0) + 1,
        state=VersionState.DRAFT,
        based_on=based_on,
        note=note,
        rules=based_on.rules if based_on else {},
        # Whoever wrote an unpublished draft is part of its copies too, and approves none of them.
        editor_ids=based_on.editor_ids if based_on and based_on.state == VersionState.DRAFT else [],
    )


def do_copy_content(*, source_id: uuid.UUID, target_id: uuid.UUID) -> None:
    """Copy modules, lessons, topics, resources and translations into an empty draft: one count and four
    writes, whatever the size. Texts and files are shared, not copied.

    The source must be locked: a draft that is edited meanwhile would be copied in halves.
    """
    require_transaction()
    names: dict[str, Any] = {"now": clock.now(), "source": source_id, "target": target_id}
    with connection.cursor() as cursor:
        cursor.execute(_COUNTS, names)
        counts = dict(zip((name for name, _ in _COPIES), cursor.fetchone(), strict=True))
        for name, statement in _COPIES:
            cursor.execute(statement, {**names, "ids": [new_id() for _ in range(counts[name])]})


def do_lock_source(course_id: uuid.UUID, version_id: uuid.UUID | None) -> CourseVersion | None:
    """Return the version of the course, the newest for None, locked against edits; None without one."""
    require_transaction()
    versions = CourseVersion.objects.filter(course_id=course_id).order_by("-number")
    while True:
        wanted = version_id or versions.values_list("id", flat=True).first()
        found = next(iter(version_to_copy(course_id, wanted)), None) if wanted else None
        # The newest may be a draft that was thrown away between the two statements.
        if found is not None or version_id is not None or wanted is None:
            return found


def _text_ids(version_id: uuid.UUID) -> set[uuid.UUID]:
    lessons = Lesson.objects.filter(version_id=version_id).order_by().values_list("text_id")
    translations = Translation.objects.filter(version_id=version_id).order_by().values_list("text_id")
    return {text_id for (text_id,) in lessons.union(translations) if text_id is not None}
