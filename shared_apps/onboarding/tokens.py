"""Secrets and marks of sign-ups."""

import hashlib
import hmac
import json
import secrets
from typing import Any

from django.conf import settings

SECRET_PREFIX = "sgn_"  # noqa: S105  what the secret begins with, not a secret
TOKEN_PREFIX = "suv_"  # noqa: S105  likewise


def new_token() -> str:
    """Return what the mail carries: 32 random bytes as text."""
    return TOKEN_PREFIX + secrets.token_urlsafe(32)


def secret_for(creation_key: str | None, wish: dict[str, Any]) -> str:
    """Return the secret of a sign-up: random, or, for a request that may be sent again, one that only the
    same key with the same wish gives again; so a repeat is answered with it though only its hash is kept."""
    if creation_key is None:
        return SECRET_PREFIX + secrets.token_urlsafe(32)
    said = json.dumps([creation_key, wish], sort_keys=True, default=str).encode()
    made = hmac.new(f"sign-up:{settings.SECRET_KEY}".encode(), said, hashlib.sha256)
    return SECRET_PREFIX + made.hexdigest()


def digest(secret: str) -> bytes:
    """Return what the database keeps; 256 random bits cannot be guessed back, so no slow hash."""
    return hashlib.sha256(secret.encode()).digest()


def fits(secret: str | None, kept: bytes | memoryview | None) -> bool:
    """Tell whether the secret is the one whose digest is kept."""
    return secret is not None and kept is not None and hmac.compare_digest(digest(secret), bytes(kept))


def trial_mark(email: str) -> bytes:
    """Return the mark of an address in its normal form, by which a second trial is found. What stands behind
    a plus is left out: it reaches the same mailbox."""
    local, _, domain = email.rpartition("@")
    person = f"{local.partition('+')[0]}@{domain}"
    return hmac.new(f"trial:{settings.SECRET_KEY}".encode(), person.encode(), hashlib.sha256).digest()
