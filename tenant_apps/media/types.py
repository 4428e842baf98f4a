"""What other apps see of stored files; the table is media's own."""

import uuid
from typing import Protocol


class FileRow(Protocol):
    """A stored file, to be read. `size` is in bytes, `sha256` in hex."""

    @property
    def id(self) -> uuid.UUID:
        """Its key."""

    @property
    def name(self) -> str:
        """As uploaded."""

    @property
    def content_type(self) -> str:
        """What its bytes were seen to be."""

    @property
    def size(self) -> int:
        """In bytes."""

    @property
    def sha256(self) -> str:
        """Of its bytes."""

    @property
    def storage_key(self) -> str:
        """Where its bytes lie."""
