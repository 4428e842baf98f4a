"""Bring in a course from a folder: the first time it is made, an equal folder changes nothing, a changed one
makes a new draft based on the newest version, in which modules and lessons keep their lineage by key."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from django.db import transaction

from shared_apps.core.actors import Actor
from shared_apps.core.policies import require
from shared_apps.core.transactions import entry_transaction, require_transaction
from tenant_apps.courses.content.folder import read_course_folder
from tenant_apps.courses.content.source import CourseSource
from tenant_apps.courses.enums import VersionState
from tenant_apps.courses.errors import UnknownCategory
from tenant_apps.courses.locks import course_to_change, take_turn, version_to_change
from tenant_apps.courses.models import Category, Course, CourseVersion
from tenant_apps.courses.policies import CREATE, EDIT, PUBLISH, visible_courses
from tenant_apps.courses.selectors.diff import compare_versions
from tenant_apps.courses.services.checks import do_check_version_rules
from tenant_apps.courses.services.content import allowed_embed_hosts, plain_summary
from tenant_apps.courses.services.course_facts import CourseFacts
from tenant_apps.courses.services.courses import do_create_course, do_update_course
from tenant_apps.courses.services.drafts import do_create_draft, do_lock_source
from tenant_apps.courses.services.import_rows import do_write_rows
from tenant_apps.courses.services.publishing import do_publish
from tenant_apps.courses.services.steps import do_audit, refuse_archived
from tenant_apps.media.services.storing import store_file


@dataclass(frozen=True, slots=True)
class ImportOutcome:
    """What an import did.

    Attributes:
        course_id: the course.
        version_id: the version that holds what the folder holds.
        changed: anything was written.
        created: the course is new.
        published: the version is published now.
        changed_facts: of a course that was there: those that were written, such as "title".
        new_version: the version was made by this import.
        published_here: the version was published by this import.
    """

    course_id: uuid.UUID
    version_id: uuid.UUID
    changed: bool
    created: bool
    published: bool
    changed_facts: tuple[str, ...] = ()
    new_version: bool = False
    published_here: bool = False


def import_course(
    *, actor: Actor, folder: Path, publish: bool, owner_id: uuid.UUID | None = None
) -> ImportOutcome:
    """Import the course in `folder`. Safe to repeat.

    Files are stored first, each in a transaction of its own; an import that fails later finds them again.

    Args:
        actor: who acts: a member, or the system with an `owner_id`.
        folder: holds `course.yaml`.
        publish: publish the version as well.
        owner_id: owner of a new course; the actor unless given.

    Raises:
        CourseFolderError: the folder has mistakes; all of them are named.
        Forbidden: the actor may not make, edit or publish the course.
        SlugTaken: the slug is that of a course the actor may not know of.
        CourseArchived: the course is archived.
        VersionNotPublishable: `publish` was asked for and something is missing.
        RuleRefused: rules of the folder wait for themselves.
        UnknownCategory, SubcategoryMismatch, TranslationNeedless, PriceMismatch and the other refusals of
            `clean_facts`: facts of the course that do not fit the organization or each other.
    """
    source = read_course_folder(folder, allowed_embed_hosts=allowed_embed_hosts())
    known = visible_courses(actor).filter(slug=source.slug).values_list("id", flat=True).first()
    require(actor, CREATE) if known is None else require(actor, EDIT, known)
    if publish:
        require(actor, PUBLISH, known)
    files = _store_files(actor, source)
    with entry_transaction():
        if source.facts.keys() & {"category", "subcategory"}:
            take_turn("categories")
        course = None if known is None else course_to_change(known).filter(deleted_at=None).first()
        created = course is None
        facts = _facts(source)
        if course is None:
            course = do_create_course(actor=actor, owner_id=owner_id or actor.member_id, facts=facts)
            changed_facts: tuple[str, ...] = ()
        else:
            refuse_archived(course)
            changed_facts = do_update_course(actor=actor, course=course, facts=facts)
        newest = do_lock_source(course.id, None)
        written = _do_write(actor=actor, course=course, newest=newest, source=source, files=files)
        new_version = written is not None
        version = written or newest
        if version is None:
            raise AssertionError("a folder was found to hold what no version holds")
        published_here = publish and version.state == VersionState.DRAFT
        if published_here:
            version = version_to_change(version.id).get()
            do_publish(actor=actor, course=course, version=version)
        return ImportOutcome(
            course_id=course.id,
            version_id=version.id,
            changed=created or bool(changed_facts) or new_version or published_here,
            created=created,
            published=version.state == VersionState.PUBLISHED,
            changed_facts=changed_facts,
            new_version=new_version,
            published_here=published_here,
        )


def _store_files(actor: Actor, source: CourseSource) -> dict[str, uuid.UUID]:
    stored = {}
    for file in source.files:
        with file.absolute_path.open("rb") as stream:
            stored[file.path] = store_file(actor=actor, name=Path(file.path).name, stream=stream).id
    return stored


def _facts(source: CourseSource) -> CourseFacts:
    """Return what the folder says of the course; what it leaves out stays as it is."""
    slugs = {name: source.facts[name] for name in ("category", "subcategory") if name in source.facts}
    facts = CourseFacts(
        slug=source.slug,
        title=source.title,
        summary=plain_summary(source.summary),
        language=source.language,
    )
    # The reader of folders names columns, and gives each its type.
    facts.update({name: value for name, value in source.facts.items() if name not in slugs})  # type: ignore[typeddict-item]
    ids = dict(Category.objects.filter(slug__in=slugs.values()).order_by().values_list("slug", "id"))
    for name, slug in slugs.items():
        if slug not in ids:
            raise UnknownCategory(field=name, slug=slug)
        facts["category_id" if name == "category" else "subcategory_id"] = ids[slug]
    return facts


class _NothingNew(Exception):
    """What was written says what the newest version says, so it is taken back."""


def _do_write(
    *,
    actor: Actor,
    course: Course,
    newest: CourseVersion | None,
    source: CourseSource,
    files: Mapping[str, uuid.UUID],
) -> CourseVersion | None:
    """Write the folder's content into a new draft; None when the newest version holds the same.

    It is written to be compared: only rows of one kind compare to rows of the other without a second opinion
    on what a difference is.
    """
    require_transaction()
    try:
        with transaction.atomic():
            draft = do_create_draft(course=course, based_on=newest, note="Imported")
            draft.rules = dict(source.rules)
            if actor.membership_id is not None:
                draft.editor_ids = sorted({*draft.editor_ids, str(actor.membership_id)})
            draft.save_fields("rules", "editor_ids")
            do_write_rows(draft, source, newest=newest, files=files)
            if newest is not None and compare_versions(newest.id, draft.id).is_empty:
                raise _NothingNew
            do_check_version_rules(draft)
            do_audit(
                actor=actor,
                action="courses.import",
                target=draft,
                course_id=str(course.id),
                number=draft.number,
                lessons=draft.lessons.count(),
            )
    except _NothingNew:
        return None
    return draft
