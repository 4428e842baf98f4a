"""Export a version as a course folder, or as a zip of one."""

import shutil
import uuid
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final, Protocol

from shared_apps.core.actors import Actor
from shared_apps.core.errors import NotFound
from shared_apps.core.policies import require
from shared_apps.core.transactions import entry_transaction
from tenant_apps.courses.content.folder_writing import CourseFolder, shown_pictures, write_folder
from tenant_apps.courses.errors import ExportTooLarge, FileBytesMissing
from tenant_apps.courses.models import Course, CourseVersion
from tenant_apps.courses.policies import EDIT, visible_versions
from tenant_apps.courses.selectors.outline import get_outline
from tenant_apps.courses.services.steps import do_audit
from tenant_apps.media.selectors.files import files_by_id, open_file
from tenant_apps.media.types import FileRow

# What one answer may hold, in bytes before compression; a larger version is exported at a terminal.
MAX_ZIP_BYTES: Final = 100 * 1024 * 1024
# The first instant a zip can name: the same version gives the same bytes whenever it is exported.
_ZIP_TIME: Final = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Export:
    """What an export holds: slug of the course, number of the version, and the bytes of its files."""

    slug: str
    number: int
    size: int


class _Sink(Protocol):
    def add_text(self, path: str, text: str) -> None: ...

    def add_file(self, path: str, stream: IO[Any]) -> None: ...


def export_to_folder(*, actor: Actor, version_id: uuid.UUID, folder: Path) -> Export:
    """Write the version into a folder, which is made; files that are there already are written over.

    Raises:
        NotFound: no such version, or none the actor may know of.
        Forbidden: the actor may not edit the course, and so not take it along.
        FileBytesMissing: the storage lost a file; what was written until then stays in the folder.
    """
    return _export(actor, version_id, _FolderSink(folder), limit=None)


def export_to_zip(*, actor: Actor, version_id: uuid.UUID, sink: IO[bytes]) -> Export:
    """Write the version into an open binary file, as a zip of its folder.

    Raises:
        NotFound, Forbidden, FileBytesMissing: as for `export_to_folder`.
        ExportTooLarge: texts and files have more than MAX_ZIP_BYTES bytes.
    """
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        return _export(actor, version_id, _ZipSink(archive), limit=MAX_ZIP_BYTES)


def _export(actor: Actor, version_id: uuid.UUID, sink: _Sink, *, limit: int | None) -> Export:
    version = visible_versions(actor).filter(pk=version_id).select_related("course").first()
    if version is None:
        raise NotFound
    require(actor, EDIT, version.course_id)
    folder, files = _folder_of(version)
    size = sum(len(text.encode("utf-8", "surrogatepass")) for text in folder.texts.values())
    size += sum(files[file_id].size for file_id in folder.files.values())
    if limit is not None and size > limit:
        raise ExportTooLarge(bytes=size, limit_bytes=limit)
    with entry_transaction():
        do_audit(
            actor=actor,
            action="courses.export",
            target=version,
            course_id=str(version.course_id),
            number=version.number,
        )
    for path, text in sorted(folder.texts.items()):
        sink.add_text(path, text)
    for path, file_id in sorted(folder.files.items()):
        with _opened(files[file_id]) as stream:
            sink.add_file(path, stream)
    return Export(version.course.slug, version.number, size)


def _opened(file: FileRow) -> IO[Any]:
    try:
        return open_file(file)
    except FileNotFoundError as error:
        raise FileBytesMissing(file_id=str(file.id), name=file.name) from error


def _folder_of(version: CourseVersion) -> tuple[CourseFolder, Mapping[uuid.UUID, FileRow]]:
    """Read the version and the rows of its files: the outline's statements and three more."""
    outline = get_outline(version.id)
    pictures = files_by_id(shown_pictures(outline))
    names = {file_id: file.name for file_id, file in pictures.items()}
    folder = write_folder(outline, _course_facts(version.course_id), names)
    return folder, files_by_id(set(folder.files.values()))


def _course_facts(course_id: uuid.UUID) -> dict[str, Any]:
    """Return what stands in `course.yaml` before the rules and the modules; defaults are left out."""
    course = Course.objects.select_related("category", "subcategory").get(pk=course_id)
    price = {
        "type": course.price_type,
        "amount_minor": course.price_minor,
        "compare_at_minor": course.compare_at_minor,
        "currency": course.currency,
        "discount_percent": course.discount_percent,
    }
    access = {"type": course.access_type, "days": course.access_days}
    facts: dict[str, Any] = {
        "slug": course.slug,
        "title": course.title,
        "summary": course.summary,
        "language": course.language,
        "level": course.level if course.level != "all" else None,
        "tags": course.tags,
        "category": course.category.slug if course.category else None,
        "subcategory": course.subcategory.slug if course.subcategory else None,
        "requirements": course.requirements,
        "outcomes": course.outcomes,
        "audience": course.audience,
        "captions": course.caption_languages,
        "price": _said(price) if course.price_type != "free" else None,
        "access": _said(access) if course.access_type != "lifetime" else None,
        "translations": {language: _said(texts) for language, texts in course.translations.items()},
    }
    return _said(facts)


def _said(facts: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in facts.items() if value not in (None, "", [], {})}


@dataclass(frozen=True, slots=True)
class _FolderSink:
    root: Path

    def add_text(self, path: str, text: str) -> None:
        # As it is: nothing may turn newlines into others.
        self._place(path).write_bytes(text.encode("utf-8"))

    def add_file(self, path: str, stream: IO[Any]) -> None:
        with self._place(path).open("wb") as target:
            shutil.copyfileobj(stream, target)

    def _place(self, path: str) -> Path:
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        return place


@dataclass(frozen=True, slots=True)
class _ZipSink:
    archive: zipfile.ZipFile

    def add_text(self, path: str, text: str) -> None:
        self.archive.writestr(self._entry(path), text.encode("utf-8"))

    def add_file(self, path: str, stream: IO[Any]) -> None:
        with self.archive.open(self._entry(path), "w", force_zip64=True) as target:
            shutil.copyfileobj(stream, target)

    def _entry(self, path: str) -> zipfile.ZipInfo:
        entry = zipfile.ZipInfo(path, date_time=_ZIP_TIME)
        entry.compress_type = zipfile.ZIP_DEFLATED
        return entry
