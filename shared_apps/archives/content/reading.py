"""Read an archive as a stream from a source nobody trusts, and check all of it."""

import base64
import binascii
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Final

from zstandard import ZstdDecompressor, ZstdError

from shared_apps.archives.content.framing import BLOCK, END, FILES, padding, read_header
from shared_apps.archives.content.writing import (
    FORMAT,
    FRAME_HEAD,
    HEADER,
    MANIFEST,
    SEAL_HEAD,
    SIGNATURE,
    signature_text,
)
from shared_apps.archives.errors import ArchiveDamaged, ArchiveRefused, SignatureNotTrusted
from shared_apps.core.signing import is_signed

PIECE: Final = 1 << 20
# A few bytes of a hostile stream can unfold into 128 kB; so much input at a time can be 128 MB at worst.
_INPUT = 4096


@dataclass(frozen=True, slots=True)
class Limits:
    """What an archive may hold before it is refused, in bytes; against streams that unfold without end."""

    total: int = 200 * 1024**3
    document: int = 256 * 1024**2
    part: int = 1024**3
    members: int = 2_000_000


DEFAULT_LIMITS: Final = Limits()


@dataclass(slots=True)
class Member:
    """One member that is being read."""

    name: str
    size: int
    pieces: Iterator[bytes]


@dataclass(frozen=True, slots=True)
class Verified:
    """What a whole and signed archive says of itself."""

    header: dict[str, Any]
    manifest: dict[str, Any]
    public_key: str

    @property
    def hashes(self) -> dict[str, str]:
        """Member -> SHA-256."""
        return {member["name"]: member["sha256"] for member in self.manifest["members"]}


@dataclass
class _Inflated:
    """Hands out exactly as many unpacked bytes as asked for."""

    source: BinaryIO
    total: int
    buffer: bytearray = field(default_factory=bytearray)
    seen: int = 0
    packed: Any = field(default_factory=hashlib.sha256)

    def __post_init__(self) -> None:
        self._unpacking = ZstdDecompressor(max_window_size=1 << 21).decompressobj()
        self._head = self.source.read(len(FRAME_HEAD))
        if self._head != FRAME_HEAD:
            raise ArchiveDamaged(member=HEADER, problem="this is no archive")

    def read(self, size: int, member: str) -> bytes:
        while len(self.buffer) < size:
            self._more(member)
        taken = bytes(self.buffer[:size])
        del self.buffer[:size]
        return taken

    def _more(self, member: str) -> None:
        packed = self._head or self.source.read(_INPUT)
        self._head = b""
        if not packed or self._unpacking.eof:
            raise ArchiveDamaged(member=member, problem="the archive ends too early")
        try:
            unpacked = self._unpacking.decompress(packed)
        except ZstdError as error:
            raise ArchiveDamaged(member=member, problem="the compressed data is damaged") from error
        self.packed.update(packed[: len(packed) - len(self._unpacking.unused_data)])
        self.seen += len(unpacked)
        if self.seen > self.total:
            raise ArchiveRefused(problem="too_large", limit_bytes=self.total)
        self.buffer += unpacked

    def check_end(self) -> None:
        """Refuse whatever comes after the end, and a stream whose own checksum is wrong."""
        while not self._unpacking.eof and not self.buffer:
            self._more("the end")
        seal = SEAL_HEAD + self.packed.digest()
        rest = self._unpacking.unused_data
        if self.buffer or rest + self.source.read(len(seal) + 1 - len(rest)) != seal:
            raise ArchiveDamaged(member="the end", problem="the seal is not of these bytes")


def members_of(source: BinaryIO, limits: Limits = DEFAULT_LIMITS) -> Iterator[Member]:
    """Yield the members in order; what is left of one is read over when the next is asked for.

    Raises:
        ArchiveDamaged: with the name of the member at which it was noticed.
        ArchiveRefused: a limit is passed.
    """
    stream = _Inflated(source, limits.total)
    last = HEADER
    for _ in range(limits.members):
        block = stream.read(BLOCK, last)
        if not any(block):
            if block + stream.read(BLOCK, "the end") != END:
                raise ArchiveDamaged(member="the end", problem="there is something after the end")
            stream.check_end()
            return
        try:
            name, size = read_header(block)
        except ValueError as error:
            raise ArchiveDamaged(member=f"after {last}", problem=str(error)) from error
        _check_size(name, size, limits)
        pieces = _pieces(stream, name, size)
        yield Member(name, size, pieces)
        for _ in pieces:
            pass
        last = name
    raise ArchiveRefused(problem="too_many_members", limit=limits.members)


def verify(source: BinaryIO, *, trusted: list[str], limits: Limits = DEFAULT_LIMITS) -> Verified:
    """Read all of the archive and check every byte against the signed manifest; no database is needed.

    Args:
        trusted: public keys, base64; one of them must have signed.

    Raises:
        ArchiveDamaged: changed, cut off or mixed; `member` says where.
        SignatureNotTrusted: another key signed.
        ArchiveRefused: a newer format, or a limit is passed.
    """
    documents: dict[str, bytes] = {}
    found: list[tuple[str, int, str]] = []
    for member in members_of(source, limits):
        if SIGNATURE in documents:
            raise ArchiveDamaged(member=member.name, problem="there is something after the signature")
        if member.name in {HEADER, MANIFEST, SIGNATURE}:
            documents[member.name] = b"".join(member.pieces)
            digest = hashlib.sha256(documents[member.name]).hexdigest()
        else:
            digest = _hash(member)
        found.append((member.name, member.size, digest))
    if [name for name, _, _ in found[-2:]] != [MANIFEST, SIGNATURE] or found[0][0] != HEADER:
        raise ArchiveDamaged(member=MANIFEST, problem="the archive has no manifest")
    public_key = _check_signature(documents[MANIFEST], documents[SIGNATURE], trusted)
    manifest = json.loads(documents[MANIFEST])
    if manifest["format"] > FORMAT:
        raise ArchiveRefused(problem="newer_format", format=manifest["format"], known=FORMAT)
    _compare(manifest["members"], found[:-2])
    return Verified(json.loads(documents[HEADER]), manifest, public_key)


def _pieces(stream: _Inflated, name: str, size: int) -> Iterator[bytes]:
    left = size
    while left:
        piece = stream.read(min(PIECE, left), name)
        left -= len(piece)
        yield piece
    if any(stream.read(len(padding(size)), name)):
        raise ArchiveDamaged(member=name, problem="the filling is not empty")


def _check_size(name: str, size: int, limits: Limits) -> None:
    if name.startswith(FILES):
        return
    limit = limits.document if name in {HEADER, MANIFEST, SIGNATURE} else limits.part
    if size > limit:
        raise ArchiveRefused(problem="too_large", member=name, limit_bytes=limit)


def _hash(member: Member) -> str:
    digest = hashlib.sha256()
    for piece in member.pieces:
        digest.update(piece)
    return digest.hexdigest()


def _check_signature(manifest: bytes, signature: bytes, trusted: list[str]) -> str:
    """Return the key that signed."""
    try:
        said = json.loads(signature)
        key, value = str(said["public_key"]), str(said["signature"])
        is_canonical = (
            signature_text(key, value) == signature
            and base64.b64encode(base64.b64decode(value, validate=True)).decode() == value
        )
    except (ValueError, KeyError, TypeError, binascii.Error) as error:
        raise ArchiveDamaged(member=SIGNATURE, problem="this is no signature") from error
    if not is_canonical:
        raise ArchiveDamaged(member=SIGNATURE, problem="this is no signature as an export writes it")
    if key not in trusted:
        raise SignatureNotTrusted(key_id=said["key_id"], public_key=key)
    if not is_signed(manifest, value, key):
        raise ArchiveDamaged(member=MANIFEST, problem="the signature is not of this manifest")
    return key


def _compare(said: list[dict[str, Any]], found: list[tuple[str, int, str]]) -> None:
    for member, (name, size, digest) in zip(said, found, strict=False):
        if member["name"] != name:
            raise ArchiveDamaged(member=name, problem="the manifest has another member here")
        if member["bytes"] != size or member["sha256"] != digest:
            raise ArchiveDamaged(member=name, problem="the bytes are not those that were signed")
    if len(said) != len(found):
        missing = [member["name"] for member in said[len(found) :]] or [
            name for name, _, _ in found[len(said) :]
        ]
        raise ArchiveDamaged(member=missing[0], problem="the manifest has another number of members")
    if len({name for name, _, _ in found}) != len(found):
        raise ArchiveDamaged(member=MANIFEST, problem="a member stands twice")
