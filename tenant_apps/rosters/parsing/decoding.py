"""Bytes to text, by a fixed order of rules instead of statistics.

The same bytes must always be read the same way (a plan is computed once and applied later), and a statistical
guess is at its worst on what rosters are: short cells with names of many languages. HR exports come as UTF-8,
as UTF-16 ("Unicode text" of Excel) or in Windows-1252, and these can be told apart by rule.
"""

import re
from typing import NamedTuple

from tenant_apps.rosters.parsing.errors import BrokenEncoding, FileTooLarge, NoRows, NotText

_UTF8_BOM = b"\xef\xbb\xbf"
_UTF16_BOMS = ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))

_MAGIC = (
    (b"PK\x03\x04", "xlsx, ods or zip"),
    (b"PK\x05\x06", "zip"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "xls"),
    (b"%PDF-", "pdf"),
    (b"\x1f\x8b", "gzip"),
    (b"{\\rtf", "rtf"),
    (b"\x89PNG", "image"),
    (b"\xff\xd8\xff", "image"),
)
_MARKUP = re.compile(r"\s*<(?:!doctype|html|table|\?xml)", re.IGNORECASE)

_SAMPLE_BYTES = 8192
_MULTIBYTE_UTF8 = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_HIGH_BYTE = re.compile(rb"[\x80-\xff]")
_BINARY_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f]")
# A text file with more than one control character in fifty is not a text file.
_MAX_CONTROL_SHARE = 0.02


class DecodedText(NamedTuple):
    """Text without byte order mark, and the Python name of the encoding it was in."""

    text: str
    encoding: str


def decode_roster(content: bytes, *, max_bytes: int) -> DecodedText:
    """Turn an upload into text: byte order mark, UTF-16 by its zero bytes, strict UTF-8, else Windows-1252.

    Raises:
        FileTooLarge: more than `max_bytes` bytes.
        NoRows: nothing but white space.
        NotText: a workbook, document, archive or other binary.
        BrokenEncoding: a byte order mark whose promise the bytes break, or UTF-8 with foreign bytes in
            between (read as Windows-1252 it would import every umlaut as two wrong letters without anyone
            noticing).
    """
    if len(content) > max_bytes:
        raise FileTooLarge(size_bytes=len(content), max_bytes=max_bytes)
    for magic, looks_like in _MAGIC:
        if content.startswith(magic):
            raise NotText(looks_like=looks_like)
    decoded = _decode(content)
    # Old DOS programs end a text with 0x1A.
    text = decoded.text.rstrip("\x1a")
    if not text.strip("\ufeff \t\r\n"):
        raise NoRows()
    _refuse_binary(text[:_SAMPLE_BYTES], "\x00" in text)
    return DecodedText(text, decoded.encoding)


def _decode(content: bytes) -> DecodedText:
    if content.startswith(_UTF8_BOM):
        return DecodedText(_decode_strictly(content[len(_UTF8_BOM) :], "utf-8"), "utf-8-sig")
    for bom, encoding in _UTF16_BOMS:
        if content.startswith(bom):
            return DecodedText(_decode_strictly(content[len(bom) :], encoding), encoding)
    if b"\x00" in content[:_SAMPLE_BYTES]:
        encoding = _utf16_by_zero_bytes(content[:_SAMPLE_BYTES])
        try:
            return DecodedText(content.decode(encoding), encoding)
        except UnicodeDecodeError as error:
            raise NotText(looks_like="binary") from error
    try:
        return DecodedText(content.decode("utf-8"), "utf-8")
    except UnicodeDecodeError as error:
        _refuse_mostly_utf8(content, error.start)
    try:
        return DecodedText(content.decode("cp1252"), "cp1252")
    except UnicodeDecodeError:
        # Five bytes mean nothing in Windows-1252. Latin-1 reads them as control characters, and the rows that
        # hold one are refused later, each with its own number.
        return DecodedText(content.decode("latin-1"), "latin-1")


def _decode_strictly(content: bytes, encoding: str) -> str:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content[: error.start].decode(encoding, "replace").count("\n") + 1
        raise BrokenEncoding(encoding=encoding, line=line) from error


def _utf16_by_zero_bytes(sample: bytes) -> str:
    """Name the byte order from where the zero bytes stand: delimiters and line ends always have one."""
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    # In UTF-16 text one half of the bytes is zero often and the other seldom (a few characters, like the
    # Japanese numeral one, end in a zero byte themselves); binaries have both.
    if min(even, odd) * 4 > max(even, odd):
        raise NotText(looks_like="binary")
    return "utf-16-le" if odd > even else "utf-16-be"


def _refuse_mostly_utf8(content: bytes, first_bad: int) -> None:
    sequences = _MULTIBYTE_UTF8.findall(content)
    stray = len(_HIGH_BYTE.findall(content)) - sum(map(len, sequences))
    if len(sequences) > stray:
        raise BrokenEncoding(encoding="utf-8", line=content.count(b"\n", 0, first_bad) + 1)


def _refuse_binary(sample: str, has_nul: bool) -> None:
    controls = len(_BINARY_CONTROL.findall(sample))
    if has_nul or controls > len(sample) * _MAX_CONTROL_SHARE:
        raise NotText(looks_like="binary")
    if _MARKUP.match(sample):
        raise NotText(looks_like="html or xml")
