"""From a token or session to the actor, checked against the host's organization at every request.

One query each: what the token says may have changed since it was made (role, suspension, revocation), so
the database is asked, and a role change or revocation takes effect with the next request.
"""

import uuid
from datetime import timedelta
from typing import Protocol

from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.base import SessionBase
from django.utils.crypto import constant_time_compare

from shared_apps.accounts.enums import SignInKind
from shared_apps.accounts.errors import TokenNotValid
from shared_apps.accounts.models import PersonalAccessToken, User
from shared_apps.accounts.tokens import PERSONAL_PREFIX, decode_access, hash_secret
from shared_apps.core import clock
from shared_apps.core.actors import VIA_SUPPORT, Actor, ActorKind, Role
from tenants.postgresql.prepared import prepared_cursor

SESSION_SIGN_IN = "sign_in_id"
_LAST_USED_STEP = timedelta(minutes=1)


class HasId(Protocol):
    """The organization of the host."""

    @property
    def id(self) -> uuid.UUID:
        """Return its id."""
        ...


Origin = dict[str, str | None]


def actor_of_token(token: str, *, organization: HasId | None, origin: Origin) -> Actor:
    """Return who a bearer token stands for on this host.

    Args:
        token: access token (JWT) or personal access token.
        organization: of the host, None on the platform host.
        origin: `address` and `request_id` for the audit log.

    Raises:
        TokenNotValid: wrong, expired, revoked, or made for another host.
    """
    if token.startswith(PERSONAL_PREFIX):
        return _actor_of_personal_token(token, organization, origin)
    claims = decode_access(token)
    if claims.organization_id != (organization.id if organization else None):
        raise TokenNotValid
    actor = _actor_of_sign_in(claims.sign_in_id, organization, origin, via="jwt", epoch=claims.epoch)
    if actor is None or actor.user_id != claims.user_id:
        raise TokenNotValid
    return actor


def actor_of_session(session: SessionBase, *, organization: HasId | None, origin: Origin) -> Actor | None:
    """Return who a browser session stands for on this host, None when for nobody here.

    On the platform host a session of the operator console counts too.
    """
    sign_in_id = session.get(SESSION_SIGN_IN)
    if sign_in_id:
        return _actor_of_sign_in(uuid.UUID(sign_in_id), organization, origin, via="session", epoch=None)
    if organization is None and session.get(SESSION_KEY):
        user = User.objects.filter(pk=session[SESSION_KEY], is_active=True).first()
        made_with = session.get(HASH_SESSION_KEY, "")
        # The hash is of the password: a session from before its change is nobody's.
        if user is None or not constant_time_compare(made_with, user.get_session_auth_hash()):
            return None
        return _platform_actor(user.id, user.email, user.is_staff, origin, via="session")
    return None


def _actor_of_sign_in(
    sign_in_id: uuid.UUID, organization: HasId | None, origin: Origin, *, via: str, epoch: int | None
) -> Actor | None:
    """Read sign-in, user and membership in one statement."""
    with prepared_cursor() as cursor:
        cursor.execute(
            """
            SELECT u.id, u.email, u.is_staff, u.sign_in_epoch, m.id, m.role, s.organization_id, s.kind
              FROM accounts_signin s
              JOIN accounts_user u ON u.id = s.user_id AND u.is_active
              LEFT JOIN accounts_membership m
                ON m.id = s.membership_id AND m.organization_id = s.organization_id AND m.status = 'active'
             WHERE s.id = %s AND s.revoked_at IS NULL
            """,
            [sign_in_id],
        )
        row = cursor.fetchone()
    if row is None or (epoch is not None and row[3] != epoch):
        return None
    user_id, email, is_staff, _, membership_id, role, organization_id, kind = row
    if organization_id != (organization.id if organization else None):
        return None
    if organization is None:
        return _platform_actor(user_id, email, is_staff, origin, via=via, session_id=sign_in_id)
    scopes: frozenset[str] = frozenset()
    if kind == SignInKind.SUPPORT:
        # An operator's entry: what an admin may read and nothing more, for as long as they are an operator.
        # There is no member behind it; an id that is nobody's finds nobody's own rows.
        if not is_staff or via != "jwt":
            return None
        membership_id, role, via, scopes = sign_in_id, Role.ADMIN, VIA_SUPPORT, frozenset({"read"})
    if membership_id is None:
        return None
    return Actor(
        kind=ActorKind.MEMBER,
        user_id=user_id,
        membership_id=membership_id,
        organization_id=organization_id,
        role=Role(role),
        label=email,
        address=origin.get("address"),
        request_id=origin.get("request_id"),
        via=via,
        session_id=sign_in_id,
        scopes=scopes,
    )


def _actor_of_personal_token(token: str, organization: HasId | None, origin: Origin) -> Actor:
    now = clock.now()
    found = (
        PersonalAccessToken.objects.select_related("user", "membership")
        .filter(token_hash=hash_secret(token), revoked_at__isnull=True, user__is_active=True)
        .first()
    )
    if found is None or (found.expires_at is not None and found.expires_at <= now):
        raise TokenNotValid
    if found.organization_id != (organization.id if organization else None):
        raise TokenNotValid
    if found.last_used_at is None or now - found.last_used_at > _LAST_USED_STEP:
        PersonalAccessToken.objects.filter(pk=found.pk).update(last_used_at=now, updated_at=now)
    scopes = frozenset(found.scopes)
    if organization is None:
        return _platform_actor(
            found.user_id, found.user.email, found.user.is_staff, origin, via="pat", scopes=scopes
        )
    membership = found.membership
    if membership is None or membership.status != "active":
        raise TokenNotValid
    return Actor(
        kind=ActorKind.MEMBER,
        user_id=found.user_id,
        membership_id=membership.id,
        organization_id=membership.organization_id,
        role=Role(membership.role),
        label=found.user.email,
        address=origin.get("address"),
        request_id=origin.get("request_id"),
        via="pat",
        scopes=scopes,
    )


def _platform_actor(
    user_id: uuid.UUID,
    email: str,
    is_staff: bool,
    origin: Origin,
    *,
    via: str,
    session_id: uuid.UUID | None = None,
    scopes: frozenset[str] = frozenset(),
) -> Actor:
    return Actor(
        kind=ActorKind.OPERATOR if is_staff else ActorKind.USER,
        user_id=user_id,
        label=email,
        address=origin.get("address"),
        request_id=origin.get("request_id"),
        via=via,
        session_id=session_id,
        scopes=scopes,
    )
