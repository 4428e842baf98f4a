"""Which files are taken: the name must end in a type of the list, and the bytes must be of that type."""

import codecs
import io
import struct
import zipfile
from pathlib import PurePosixPath
from typing import BinaryIO, Final

import imagesize

_OFFICE: Final = "application/vnd.openxmlformats-officedocument."
MEDIA_TYPES: Final = {
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".docx": _OFFICE + "wordprocessingml.document",
    ".pptx": _OFFICE + "presentationml.presentation",
    ".xlsx": _OFFICE + "spreadsheetml.sheet",
    ".txt": "text/plain",
    ".csv": "text/csv",
    ".md": "text/markdown",
}
_TEXT: Final = frozenset({".txt", ".csv", ".md"})
_SAME: Final = {".jpeg": ".jpg"}
_OFFICE_PARTS: Final = {
    "word/document.xml": ".docx",
    "ppt/presentation.xml": ".pptx",
    "xl/workbook.xml": ".xlsx",
}
_CHUNK: Final = 1 << 20
# More pixels than any picture has: a header that says so lies.
_WIDEST: Final = 1_000_000


def extension_of(name: str) -> str:
    """Return the lower-case extension with its dot, "" without one."""
    return PurePosixPath(name).suffix.lower()


def is_of_its_type(stream: BinaryIO, extension: str) -> bool:
    """Tell whether the bytes are what the extension (of `MEDIA_TYPES`) promises; the stream is rewound.

    Office files with macros are of no type we take.
    """
    stream.seek(0)
    head = stream.read(1024)
    if extension in _TEXT:
        fits = _is_text(stream)
    else:
        fits = _detect(stream, head) == _SAME.get(extension, extension)
    stream.seek(0)
    return fits


def dimensions(stream: BinaryIO) -> tuple[int | None, int | None]:
    """Return width and height of a picture in pixels, as its header says; None where it does not. The stream
    is rewound."""
    stream.seek(0)
    head = io.BytesIO(stream.read(_CHUNK))
    stream.seek(0)
    try:
        width, height = imagesize.get(head)
    except (ValueError, IndexError, struct.error):
        return None, None
    return (width, height) if 0 < width < _WIDEST and 0 < height < _WIDEST else (None, None)


def _detect(stream: BinaryIO, head: bytes) -> str | None:
    if head.startswith(b"%PDF-"):
        stream.seek(0, 2)
        stream.seek(max(0, stream.tell() - 1024))
        return ".pdf" if b"%%EOF" in stream.read() else None
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return ".png"
    if head.startswith(b"\xff\xd8\xff"):
        return ".jpg"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return ".gif"
    return _detect_office(stream) if head.startswith(b"PK\x03\x04") else None


def _detect_office(stream: BinaryIO) -> str | None:
    try:
        with zipfile.ZipFile(stream) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, NotImplementedError, ValueError):
        return None
    if "[Content_Types].xml" not in names or any(name.endswith("vbaProject.bin") for name in names):
        return None
    return next((extension for part, extension in _OFFICE_PARTS.items() if part in names), None)


def _is_text(stream: BinaryIO) -> bool:
    """UTF-8 without control characters, read piece by piece. A page of HTML is text too: files are always
    served as attachments and never sniffed."""
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    stream.seek(0)
    try:
        while piece := stream.read(_CHUNK):
            if any(ord(c) < 32 and c not in "\t\n\r\f" for c in decoder.decode(piece)):
                return False
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True
