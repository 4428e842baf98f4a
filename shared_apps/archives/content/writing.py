"""Write an archive: members one after the other into one compressed stream, hashes and signature last."""

import hashlib
import json
from collections.abc import Iterable
from typing import Any, BinaryIO, Final, cast

from zstandard import ZstdCompressionParameters, ZstdCompressor

from shared_apps.archives.content.framing import END, header_block, padding
from shared_apps.core import signing

FORMAT: Final = 1
HEADER: Final = "header.json"
MANIFEST: Final = "manifest.json"
SIGNATURE: Final = "manifest.sig"
# The first bytes of every archive: a frame with a checksum, without a size, with a window of 2 MB.
FRAME_HEAD: Final = b"\x28\xb5\x2f\xfd\x04\x58"
# A frame that readers of zstd skip, with the SHA-256 of the packed bytes before it: one bit of those can be
# turned without a change in what they unpack to, and an archive is refused for that too.
SEAL_HEAD: Final = b"\x50\x2a\x4d\x18\x20\x00\x00\x00"
_LEVEL, _WINDOW_LOG = 3, 21


class _Hashed:
    """Passes bytes on and hashes them."""

    def __init__(self, sink: BinaryIO) -> None:
        self._sink = sink
        self.digest = hashlib.sha256()

    def write(self, data: bytes) -> int:
        self.digest.update(data)
        return self._sink.write(data)

    def flush(self) -> None:
        """The sink is its owner's to flush."""


class ArchiveWriter:
    """Writes to `sink` and holds no more than the piece it is given, and a line for each member."""

    def __init__(self, sink: BinaryIO) -> None:
        parameters = ZstdCompressionParameters.from_level(_LEVEL, window_log=_WINDOW_LOG, write_checksum=1)
        self._sink = _Hashed(sink)
        self._stream = ZstdCompressor(compression_params=parameters).stream_writer(
            cast("BinaryIO", self._sink), closefd=False
        )
        self._members: list[dict[str, Any]] = []
        self.written = 0

    def add(self, name: str, pieces: Iterable[bytes], size: int, *, rows: int | None = None) -> None:
        """Write one member.

        Args:
            size: bytes of all pieces together.
            rows: how many rows it holds, for the manifest.

        Raises:
            ValueError: the name does not fit into a tar header.
        """
        digest = self._write(name, pieces, size)
        member: dict[str, Any] = {"name": name, "bytes": size, "sha256": digest}
        if rows is not None:
            member["rows"] = rows
        self._members.append(member)

    def finish(self, facts: dict[str, Any]) -> None:
        """Write the manifest, with `facts` in it, and its signature, and end the stream."""
        manifest = as_json({"format": FORMAT, **facts, "members": self._members})
        self._write(MANIFEST, [manifest], len(manifest))
        signature = signature_document(manifest)
        self._write(SIGNATURE, [signature], len(signature))
        self._stream.write(END)
        self._stream.close()  # type: ignore[no-untyped-call]  # the library's stubs lack it
        self._sink.write(SEAL_HEAD + self._sink.digest.digest())

    def _write(self, name: str, pieces: Iterable[bytes], size: int) -> str:
        digest = hashlib.sha256()
        self._stream.write(header_block(name, size))
        for piece in pieces:
            digest.update(piece)
            self._stream.write(piece)
        self._stream.write(padding(size))
        self.written += size
        return digest.hexdigest()


def as_json(document: dict[str, Any]) -> bytes:
    """Return the document as it is written: sorted, ASCII, one line for people's tools to split."""
    return json.dumps(document, sort_keys=True, indent=1).encode() + b"\n"


def signature_document(manifest: bytes) -> bytes:
    """Return what stands in `manifest.sig`, made with this installation's key."""
    return signature_text(signing.public_key(), signing.sign(manifest))


def signature_text(public_key: str, signature: str) -> bytes:
    """Return `manifest.sig` in its one form."""
    return as_json(
        {
            "algorithm": "ed25519",
            "key_id": signing.key_id(public_key),
            "public_key": public_key,
            "signature": signature,
        }
    )
