"""Opens files of a course folder: only inside it, only of the size and type that were promised."""

import hashlib
import io
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tenant_apps.courses.content.problems import Place, Problems, did_you_mean
from tenant_apps.courses.content.source import SourceFile

MAX_TEXT_BYTES: Final = 1024 * 1024
MAX_DOCUMENT_BYTES: Final = 50 * 1024 * 1024
PICTURE_EXTENSIONS: Final = frozenset({".png", ".jpg", ".jpeg", ".gif"})
DOCUMENT_EXTENSIONS: Final = PICTURE_EXTENSIONS | {".pdf", ".docx", ".pptx", ".xlsx", ".txt", ".csv", ".md"}

_OFFICE: Final = "application/vnd.openxmlformats-officedocument."
_MEDIA_TYPES: Final = {
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".docx": _OFFICE + "wordprocessingml.document",
    ".pptx": _OFFICE + "presentationml.presentation",
    ".xlsx": _OFFICE + "spreadsheetml.sheet",
    ".gif": "image/gif",
    ".md": "text/markdown",
    ".txt": "text/plain",
    ".csv": "text/csv",
}
_OFFICE_PARTS: Final = {
    "word/document.xml": ".docx",
    "ppt/presentation.xml": ".pptx",
    "xl/workbook.xml": ".xlsx",
}


@dataclass(slots=True)
class FolderFiles:
    """The files of one course folder; reads each at most once."""

    root: Path
    problems: Problems
    _seen: dict[tuple[str, frozenset[str]], SourceFile | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.root = self.root.resolve()

    def read(self, path: str, place: Place, *, limit: int) -> bytes | None:
        """Return the bytes of the file at `path` (relative, forward slashes), or None with a problem.

        `place` is where the path was written; `limit` is the largest size accepted, in bytes.
        """
        absolute = self._locate(path, place)
        if absolute is None:
            return None
        try:
            with absolute.open("rb") as stream:
                raw = stream.read(limit + 1)
        except OSError as error:
            message = f"'{path}' cannot be read: {error.strerror}."
            self.problems.add(place, "file_unreadable", message, "Check the permissions of the file.")
            return None
        if len(raw) > limit:
            message = f"'{path}' has {absolute.stat().st_size} bytes, the limit is {limit}."
            self.problems.add(place, "file_too_large", message, "Make the file smaller or split it.")
            return None
        return raw

    def binary(self, path: str, place: Place, allowed: frozenset[str]) -> SourceFile | None:
        """Return a document or picture whose bytes are what its name says, or None with a problem."""
        if (path, allowed) not in self._seen:
            self._seen[path, allowed] = self._read_binary(path, place, allowed)
        return self._seen[path, allowed]

    def found(self) -> tuple[SourceFile, ...]:
        """Return every document and picture read so far, once each, ordered by path."""
        by_path = {file.path: file for file in self._seen.values() if file is not None}
        return tuple(by_path[path] for path in sorted(by_path))

    def _read_binary(self, path: str, place: Place, allowed: frozenset[str]) -> SourceFile | None:
        extension = Path(path).suffix.lower()
        if extension not in allowed:
            message = f"'{path}' is of a type that is not accepted here."
            advice = f"Use one of: {', '.join(sorted(allowed))}."
            self.problems.add(place, "file_type_not_allowed", message, advice)
            return None
        raw = self.read(path, place, limit=MAX_DOCUMENT_BYTES)
        if raw is None:
            return None
        if not raw.strip():
            self.problems.add(place, "file_empty", f"'{path}' is empty.", "Put the real file in its place.")
            return None
        seen = detect_extension(raw)
        if seen != _normal_extension(extension):
            message = f"'{path}' is named {extension} but its content is {seen or 'of another type'}."
            advice = "Export the file again in the right format, or correct its name."
            self.problems.add(place, "file_type_mismatch", message, advice)
            return None
        return SourceFile(
            path=path,
            absolute_path=self.root / path,
            size=len(raw),
            sha256=hashlib.sha256(raw).hexdigest(),
            media_type=_MEDIA_TYPES[extension],
        )

    def _locate(self, path: str, place: Place) -> Path | None:
        parts = path.split("/")
        if "\\" in path or "\0" in path or any(part in ("", ".", "..") for part in parts) or ":" in parts[0]:
            message = f"'{path}' is not a path inside the course folder."
            advice = "Write the path from the folder of course.yaml, with '/', without '..'."
            self.problems.add(place, "path_outside_folder", message, advice)
            return None
        absolute = self.root / path
        try:
            resolved = absolute.resolve()
            is_file = resolved.is_file()
        except (OSError, RuntimeError):  # a link to itself, a name longer than the system takes
            resolved, is_file = absolute, False
        if not resolved.is_relative_to(self.root):
            message = f"'{path}' is a link that leads out of the course folder."
            self.problems.add(place, "path_outside_folder", message, "Copy the file into the folder.")
            return None
        if not is_file:
            advice = did_you_mean(path, self._neighbours(absolute), "Add the file or correct the path.")
            self.problems.add(place, "file_missing", f"There is no file '{path}'.", advice)
            return None
        return resolved

    def _neighbours(self, absolute: Path) -> list[str]:
        try:
            entries = list(absolute.parent.iterdir())
        except OSError:
            return []
        return [entry.relative_to(self.root).as_posix() for entry in entries[:500] if entry.is_file()]


def detect_extension(raw: bytes) -> str | None:
    """Return the extension that the bytes deserve, or None when they are nothing we accept.

    Text comes back as '.txt'. Office files with macros are not accepted, whatever their name.
    """
    if raw.startswith(b"%PDF-") and b"%%EOF" in raw[-1024:]:
        return ".pdf"
    if raw.startswith(b"\x89PNG\r\n\x1a\n"):
        return ".png"
    if raw.startswith(b"\xff\xd8\xff"):
        return ".jpg"
    if raw.startswith((b"GIF87a", b"GIF89a")):
        return ".gif"
    if raw.startswith(b"PK\x03\x04"):
        return _detect_office(raw)
    return ".txt" if _is_text(raw) else None


def _normal_extension(extension: str) -> str:
    return {".jpeg": ".jpg", ".csv": ".txt", ".md": ".txt"}.get(extension, extension)


def _detect_office(raw: bytes) -> str | None:
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, NotImplementedError):
        return None
    if "[Content_Types].xml" not in names or any(name.endswith("vbaProject.bin") for name in names):
        return None
    return next((extension for part, extension in _OFFICE_PARTS.items() if part in names), None)


def _is_text(raw: bytes) -> bool:
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return False
    return not any(ord(c) < 32 and c not in "\t\n\r\f" for c in text) and not text.startswith("%PDF-")
