"""Unpacks a zip that somebody sent: only plain files, only into the folder, never more than was agreed."""

import stat
import zipfile
import zlib
from pathlib import Path
from typing import IO, Final

from tenant_apps.courses.content.errors import ContentError
from tenant_apps.courses.content.folder import COURSE_FILE

MAX_ENTRIES: Final = 10_000
MAX_UNPACKED_BYTES: Final = 200 * 1024 * 1024
_MAX_NAME_BYTES: Final = 500
_METHODS: Final = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_CHUNK: Final = 1 << 20
_DAMAGED: Final = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    RuntimeError,
    ValueError,
    NotImplementedError,
)


class ZipRefused(ContentError):
    """The zip is none, or holds what is not unpacked; `code` says which rule, `entry` where it shows."""

    def __init__(self, code: str, entry: str = "") -> None:
        self.code = code
        self.entry = entry[:200]
        super().__init__(f"{code}: {self.entry!r}")


def check_zip(stream: IO[bytes]) -> None:
    """Refuse what need not be unpacked to be known as bad; reads the list of entries alone.

    Raises:
        ZipRefused: no zip, too many or too large entries by their own word, encrypted ones, links, names that
            lead out of the folder, or no course in it.
    """
    with _opened(stream) as archive:
        entries = _entries(archive)
        _root(entries)


def unpack_zip(stream: IO[bytes], folder: Path) -> Path:
    """Unpack into an empty folder and return where the course lies in it.

    What comes out is counted, since an entry's word about its size is its maker's.

    Raises:
        ZipRefused: as for `check_zip`; or damaged, or larger than was agreed.
    """
    left = MAX_UNPACKED_BYTES
    with _opened(stream) as archive:
        entries = _entries(archive)
        root = _root(entries)
        for entry in entries:
            place = folder / entry.filename
            try:
                place.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(entry) as source, place.open("xb") as target:
                    while piece := source.read(_CHUNK):
                        left -= len(piece)
                        if left < 0:
                            raise ZipRefused("zip_too_large", entry.filename)
                        target.write(piece)
            except OSError as error:  # two entries of one name, a file where a folder should be
                raise ZipRefused("zip_entry_name", entry.filename) from error
            except _DAMAGED as error:
                raise ZipRefused("zip_damaged", entry.filename) from error
    return folder / root


def _opened(stream: IO[bytes]) -> zipfile.ZipFile:
    stream.seek(0)
    try:
        return zipfile.ZipFile(stream)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise ZipRefused("zip_unreadable") from error


def _entries(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """Return the files, every entry checked; folders come by themselves."""
    entries = archive.infolist()
    if len(entries) > MAX_ENTRIES:
        raise ZipRefused("zip_too_many_entries")
    if sum(entry.file_size for entry in entries) > MAX_UNPACKED_BYTES:
        raise ZipRefused("zip_too_large")
    for entry in entries:
        _check(entry)
    # What a Mac puts beside the files says nothing of the course.
    return [each for each in entries if not each.is_dir() and not each.filename.startswith("__MACOSX/")]


def _check(entry: zipfile.ZipInfo) -> None:
    name = entry.filename
    parts = name.removesuffix("/").split("/")
    odd = any(part in ("", ".", "..") or len(part.encode("utf-8", "replace")) > 200 for part in parts)
    if odd or "\\" in name or ":" in parts[0] or len(name.encode("utf-8", "replace")) > _MAX_NAME_BYTES:
        raise ZipRefused("zip_entry_name", name)
    mode = entry.external_attr >> 16
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise ZipRefused("zip_entry_link", name)
    if entry.flag_bits & 0x1:
        raise ZipRefused("zip_encrypted", name)
    if entry.compress_type not in _METHODS:
        raise ZipRefused("zip_method", name)


def _root(entries: list[zipfile.ZipInfo]) -> str:
    """Return the folder of `course.yaml`: the top, or the one folder that everything was packed with."""
    names = {entry.filename for entry in entries}
    if COURSE_FILE in names:
        return ""
    tops = {name.split("/")[0] for name in names}
    if len(tops) == 1 and f"{(top := next(iter(tops)))}/{COURSE_FILE}" in names:
        return top
    raise ZipRefused("zip_without_course")
