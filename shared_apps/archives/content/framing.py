"""The tar inside an archive: plain files only, each header in the one form we write.

A reader that takes nothing but this form has no links, devices, folders, long names or extension headers to
be careful about, and no byte of it can be changed unnoticed.
"""

import re
import tarfile
from collections.abc import Iterator
from typing import BinaryIO, Final
from urllib.parse import quote, unquote

BLOCK: Final = tarfile.BLOCKSIZE
END: Final = bytes(2 * BLOCK)
FILES: Final = "files/"
_MEMBER = re.compile(
    r"(header\.json|manifest\.json|manifest\.sig|rows/(public|tenant)/[a-z0-9_]+\.\d{6}\.copy)"
)
_LONGEST_NAME = 240


def header_block(name: str, size: int) -> bytes:
    """Return the tar header of a member.

    Raises:
        ValueError: the name or the size does not fit into one header.
    """
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, 0o600
    return info.tobuf(tarfile.USTAR_FORMAT, "utf-8", "strict")


def read_header(block: bytes) -> tuple[str, int]:
    """Return name and size of the member.

    Raises:
        ValueError: the block is not a header as we write it.
    """
    try:
        info = tarfile.TarInfo.frombuf(block, "utf-8", "strict")
    except (tarfile.HeaderError, UnicodeError) as error:
        raise ValueError("no tar header") from error
    if not is_member_name(info.name) or header_block(info.name, info.size) != block:
        raise ValueError("a tar header that no export writes")
    return info.name, info.size


def padding(size: int) -> bytes:
    """Return the zeros that fill a member up to whole blocks."""
    return bytes(-size % BLOCK)


def is_member_name(name: str) -> bool:
    """Tell whether an export writes such a member."""
    return bool(_MEMBER.fullmatch(name)) or (name.startswith(FILES) and file_name(name) is not None)


def member_of_file(name: str) -> str:
    """Return the member for a file of the storage."""
    return FILES + quote(name, safe="/")


def file_name(member: str) -> str | None:
    """Return the name in the storage of a member below `files/`; None for one that leads elsewhere."""
    name = unquote(member.removeprefix(FILES))
    parts = name.split("/")
    is_safe = (
        len(member) <= _LONGEST_NAME
        and name.isprintable()
        and "\\" not in name
        and all(part and not part.startswith(".") for part in parts)
        and member_of_file(name) == member
    )
    return name if is_safe else None


def pieces_of(stream: BinaryIO, size: int, *, piece: int = 1 << 20) -> Iterator[bytes]:
    """Yield exactly `size` bytes of the stream.

    Raises:
        ValueError: it holds fewer, or more.
    """
    left = size
    while left:
        read = stream.read(min(piece, left))
        if not read:
            raise ValueError("the file became shorter while it was read")
        left -= len(read)
        yield read
    if stream.read(1):
        raise ValueError("the file became longer while it was read")
