"""Signatures that stay good outside the platform: archives, receipts, evidence (Ed25519, RFC 8032).

The key is the installation's own (SIGNING_KEY); whoever holds the public key can check a document without us.
"""

import base64
import hashlib
from functools import cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.conf import settings


def sign(document: bytes) -> str:
    """Return the signature of the document, base64."""
    return base64.b64encode(_key().sign(document)).decode()


def is_signed(document: bytes, signature: str, public_key: str) -> bool:
    """Tell whether the signature of the document was made with the key that belongs to `public_key`.

    Args:
        signature: base64, as `sign` returns it.
        public_key: base64 of 32 bytes, as `public_key` returns it.
    """
    try:
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key, validate=True))
        key.verify(base64.b64decode(signature, validate=True), document)
    except (InvalidSignature, ValueError):
        return False
    return True


def public_key() -> str:
    """Return the installation's public key, base64 of its 32 bytes."""
    raw = _key().public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return base64.b64encode(raw).decode()


def key_id(public: str) -> str:
    """Return a short name of a public key, the first 16 hex digits of its SHA-256."""
    return hashlib.sha256(base64.b64decode(public)).hexdigest()[:16]


def _key() -> Ed25519PrivateKey:
    return _key_from(settings.SIGNING_KEY)


@cache
def _key_from(secret: str) -> Ed25519PrivateKey:
    """The setting is any text of at least 32 characters; its hash is the seed."""
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(f"palaestra:{secret}".encode()).digest())
