"""Rows in COPY's text form: fields, ids in them, and a sum that does not ask for their order."""

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

_UUID = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_ESCAPES = {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v"}
_ESCAPED = re.compile(rb"\\(.)", re.DOTALL)

IdMap = dict[bytes, bytes]


@dataclass(slots=True)
class RowSum:
    """Number of rows and a sum of their hashes: equal for the same rows in any order."""

    rows: int = 0
    total: int = 0

    def add(self, line: bytes) -> None:
        """Take one row without its line end."""
        self.rows += 1
        self.total += int.from_bytes(hashlib.sha256(line).digest())

    def same_as(self, other: "RowSum") -> bool:
        """Tell whether both saw the same rows."""
        return (self.rows, self.total % (1 << 256)) == (other.rows, other.total % (1 << 256))


def lines_of(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield whole rows without their line end; a line end inside a value is written as two characters."""
    rest = b""
    for piece in pieces:
        lines = (rest + piece).split(b"\n")
        rest = lines.pop()
        yield from lines
    if rest:
        yield rest


def with_ids(line: bytes, ids: IdMap) -> bytes:
    """Return the row with every mapped id replaced, wherever it stands: ids are unique over all tables, so
    one in a JSON value means the same row as one in a column."""
    if not ids:
        return line
    return _UUID.sub(lambda found: ids.get(found[0], found[0]), line)


def field(line: bytes, index: int) -> bytes:
    """Return one value of the row as text; b"\\\\N" for null."""
    value = line.split(b"\t")[index]
    if b"\\" not in value or value == rb"\N":
        return value
    return _ESCAPED.sub(lambda found: _ESCAPES.get(found[1], found[1]), value)


def with_field(line: bytes, index: int, value: bytes) -> bytes:
    """Return the row with a value that needs no escape put in the place of another."""
    fields = line.split(b"\t")
    fields[index] = value
    return b"\t".join(fields)
