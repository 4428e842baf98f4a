"""Bring in a course from a folder: the first time it is made, an equal folder changes nothing, a changed one
makes a new draft based on the newest version, in which modules and lessons keep their lineage by key."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from shared_apps.core.actors import Actor
from shared_apps.core.policies import require
from shared_apps.core.transactions import entry_transaction, require_transaction
from tenant_apps.courses.content.folder import read_course_folder
from tenant_apps.courses.content.sanitize import ATTACHMENT_SCHEME
from tenant_apps.courses.content.source import CourseSource, LessonSource, SourceFile
from tenant_apps.courses.enums import VersionState
from tenant_apps.courses.locks import course_to_change, version_to_change
from tenant_apps.courses.models import Course, CourseVersion, Lesson, LessonText, Module
from tenant_apps.courses.policies import CREATE, EDIT, PUBLISH, visible_courses
from tenant_apps.courses.selectors.outline import get_outline
from tenant_apps.courses.services.content import allowed_embed_hosts, plain_summary
from tenant_apps.courses.services.course_facts import CourseFacts
from tenant_apps.courses.services.courses import do_create_course, do_update_course
from tenant_apps.courses.services.drafts import do_create_draft
from tenant_apps.courses.services.publishing import do_publish
from tenant_apps.courses.services.steps import do_audit, refuse_archived
from tenant_apps.courses.services.texts import new_text
from tenant_apps.courses.types import OutlineLesson, OutlineModule
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
    """
    source = read_course_folder(folder, allowed_embed_hosts=allowed_embed_hosts())
    known = visible_courses(actor).filter(slug=source.slug).values_list("id", flat=True).first()
    require(actor, CREATE) if known is None else require(actor, EDIT, known)
    if publish:
        require(actor, PUBLISH, known)
    files = _store_files(actor, source)
    with entry_transaction():
        course = None if known is None else course_to_change(known).filter(deleted_at=None).first()
        created = course is None
        facts = CourseFacts(
            slug=source.slug,
            title=source.title,
            summary=plain_summary(source.summary),
            language=source.language,
        )
        if course is None:
            course = do_create_course(actor=actor, owner_id=owner_id or actor.member_id, facts=facts)
            changed_facts: tuple[str, ...] = ()
        else:
            refuse_archived(course)
            changed_facts = do_update_course(actor=actor, course=course, facts=facts)
        version = course.versions.order_by("-number").first()
        wanted = _wanted(source, files)
        new_version = version is None or _present(version) != wanted
        if version is None or new_version:
            version = _do_write(actor=actor, course=course, newest=version, source=source, files=files)
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


def _body(lesson: LessonSource, files: Mapping[str, uuid.UUID]) -> str:
    """Return the body with its pictures named by the ids of their files instead of paths of a folder.

    A body names a picture as the author wrote it, percent-encoded or not; longer paths go first, so that one
    which is the end of another stays whole.
    """
    body = lesson.body
    for picture in sorted(lesson.attachments, key=lambda each: -len(each.path)):
        new = f"{ATTACHMENT_SCHEME}:{files[picture.path]}/{quote(Path(picture.path).name)}"
        for written in {picture.path, quote(picture.path)}:
            body = body.replace(f"{ATTACHMENT_SCHEME}:{written}", new)
    return body


_LessonShape = tuple[object, ...]
_Shape = list[tuple[str, str, str, list[_LessonShape]]]


def _wanted(source: CourseSource, files: Mapping[str, uuid.UUID]) -> _Shape:
    return [
        (
            module.key,
            module.title,
            plain_summary(module.summary),
            [_lesson_shape(each, files) for each in module.lessons],
        )
        for module in source.modules
    ]


def _lesson_shape(lesson: LessonSource, files: Mapping[str, uuid.UUID]) -> _LessonShape:
    return (
        lesson.key,
        lesson.title,
        lesson.kind.value,
        _body(lesson, files),
        lesson.body_format.value,
        _id_of(lesson.document, files),
        lesson.embed_url or "",
        lesson.is_required,
        lesson.is_published,
        lesson.duration_minutes or 0,
    )


def _present(version: CourseVersion) -> _Shape:
    def shape_of(lesson: OutlineLesson) -> _LessonShape:
        return (
            lesson.key,
            lesson.title,
            lesson.kind,
            lesson.body,
            lesson.body_format,
            lesson.document.id if lesson.document else None,
            lesson.embed_url,
            lesson.is_required,
            lesson.is_published,
            lesson.minutes,
        )

    return [
        (module.key, module.title, module.summary, [shape_of(each) for each in module.lessons])
        for module in get_outline(version.id).modules
    ]


def _id_of(file: SourceFile | None, files: Mapping[str, uuid.UUID]) -> uuid.UUID | None:
    return None if file is None else files[file.path]


def _do_write(
    *,
    actor: Actor,
    course: Course,
    newest: CourseVersion | None,
    source: CourseSource,
    files: Mapping[str, uuid.UUID],
) -> CourseVersion:
    """Write the folder's content into a new draft: two inserts."""
    require_transaction()
    before: tuple[OutlineModule, ...] = get_outline(newest.id).modules if newest else ()
    module_lineage = {each.key: each.lineage for each in before if each.key}
    lesson_lineage = {one.key: one.lineage for each in before for one in each.lessons if one.key}
    draft = do_create_draft(course=course, based_on=newest, note="Imported")
    modules, lessons = [], []
    for place, module_source in enumerate(source.modules):
        module = Module(
            version=draft,
            key=module_source.key,
            title=module_source.title,
            summary=plain_summary(module_source.summary),
            position=place,
        )
        module.lineage = module_lineage.get(module.key, module.lineage)
        modules.append(module)
        for position, lesson_source in enumerate(module_source.lessons):
            lesson = _lesson(draft, module, position, lesson_source, files)
            lesson.lineage = lesson_lineage.get(lesson.key, lesson.lineage)
            lessons.append(lesson)
    Module.objects.bulk_create(modules)
    LessonText.objects.bulk_create([lesson.text for lesson in lessons if lesson.text])
    Lesson.objects.bulk_create(lessons)
    do_audit(
        actor=actor,
        action="courses.import",
        target=draft,
        course_id=str(course.id),
        number=draft.number,
        lessons=len(lessons),
    )
    return draft


def _lesson(
    draft: CourseVersion,
    module: Module,
    position: int,
    source: LessonSource,
    files: Mapping[str, uuid.UUID],
) -> Lesson:
    return Lesson(
        version=draft,
        module=module,
        key=source.key,
        title=source.title,
        kind=source.kind.value,
        position=position,
        is_published=source.is_published,
        is_required=source.is_required,
        minutes=source.duration_minutes or 0,
        text=new_text(_body(source, files), source.body_format.value),
        document_id=_id_of(source.document, files),
        embed_url=source.embed_url or "",
    )
