"""The forms of our tokens: signed access tokens, random secrets and their hashes."""

import hashlib
import secrets
import uuid
from dataclasses import dataclass
from datetime import timedelta

import jwt
from django.conf import settings

from shared_apps.accounts.errors import TokenNotValid
from shared_apps.core import clock

_ALGORITHM = "HS256"
_AUDIENCE = "palaestra-api"
PERSONAL_PREFIX = "pat_"
REFRESH_PREFIX = "ref_"


@dataclass(frozen=True, slots=True)
class AccessClaims:
    """What an access token says.

    Attributes:
        organization_id: the organization whose host it is for; None for the platform host.
        epoch: the user's sign-in epoch when it was made; a password change makes it stale.
    """

    user_id: uuid.UUID
    membership_id: uuid.UUID | None
    organization_id: uuid.UUID | None
    sign_in_id: uuid.UUID
    epoch: int


def encode_access(claims: AccessClaims, *, lifetime: timedelta | None = None) -> str:
    """Return a signed token that lives ACCESS_TOKEN_LIFETIME, or as long as is said."""
    issued = clock.now()
    payload = {
        "aud": _AUDIENCE,
        "sub": claims.user_id.hex,
        "mid": claims.membership_id.hex if claims.membership_id else None,
        "org": claims.organization_id.hex if claims.organization_id else None,
        "sid": claims.sign_in_id.hex,
        "epo": claims.epoch,
        "iat": int(issued.timestamp()),
        "exp": int((issued + (lifetime or settings.ACCESS_TOKEN_LIFETIME)).timestamp()),
    }
    return jwt.encode(payload, _key(), algorithm=_ALGORITHM)


def decode_access(token: str) -> AccessClaims:
    """Return the claims of a token whose signature and lifetime are right.

    Raises:
        TokenNotValid: anything else.
    """
    try:
        payload = jwt.decode(
            token,
            _key(),
            algorithms=[_ALGORITHM],
            audience=_AUDIENCE,
            # We made it, whenever it says: machines' clocks differ, and on one that is behind, a token just
            # made would be from the future.
            options={"require": ["exp", "iat", "sub", "sid"], "verify_iat": False},
        )
        return AccessClaims(
            user_id=uuid.UUID(payload["sub"]),
            membership_id=uuid.UUID(payload["mid"]) if payload.get("mid") else None,
            organization_id=uuid.UUID(payload["org"]) if payload.get("org") else None,
            sign_in_id=uuid.UUID(payload["sid"]),
            epoch=int(payload.get("epo", -1)),
        )
    except (jwt.InvalidTokenError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise TokenNotValid from error


def new_secret(prefix: str = "") -> str:
    """Return 32 random bytes as URL-safe text behind a prefix that tells what it is."""
    return prefix + secrets.token_urlsafe(32)


def hash_secret(secret: str) -> bytes:
    """Return the SHA-256 the database keeps; 256 random bits cannot be guessed back, so no slow hash."""
    return hashlib.sha256(secret.encode()).digest()


def _key() -> str:
    return f"access-token:{settings.SECRET_KEY}"
