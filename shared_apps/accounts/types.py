"""What the services of sign-in give back."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from shared_apps.core.actors import Role


@dataclass(frozen=True, slots=True)
class TokenPair:
    """A fresh access token with the refresh token that replaces the one before.

    Attributes:
        expires_in: life of the access token, seconds.
        refresh_expires_at: end of the refresh token's life, UTC.
    """

    access_token: str
    expires_in: int
    refresh_token: str
    refresh_expires_at: datetime


@dataclass(frozen=True, slots=True)
class Identity:
    """Who somebody is on one host.

    Attributes:
        is_operator: operator of the platform; told on the platform host only.
        membership_id: in the host's organization, None on the platform host.
    """

    user_id: uuid.UUID
    email: str
    name: str
    timezone: str
    language: str
    is_operator: bool
    membership_id: uuid.UUID | None
    role: Role | None


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A sign-in that succeeded. `tokens` is None for a browser session."""

    sign_in_id: uuid.UUID
    identity: Identity
    tokens: TokenPair | None


@dataclass(frozen=True, slots=True)
class CreatedToken:
    """A personal access token with its secret, which exists here and nowhere else."""

    id: uuid.UUID
    name: str
    prefix: str
    scopes: list[str]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    token: str
