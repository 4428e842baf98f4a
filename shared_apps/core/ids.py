"""Identifiers: UUID version 7, made in Python, so rows sort by birth and can be exported and merged."""

import uuid

import uuid_utils.compat


def new_id() -> uuid.UUID:
    """Return a fresh UUIDv7 (RFC 9562): 48 bits of Unix milliseconds, then random."""
    return uuid_utils.compat.uuid7()
