"""Personal access tokens: named, hashed at rest, shown once, bound to the host they were made on."""

import uuid
from datetime import timedelta

from shared_apps.accounts.errors import TokenNotValid, TooManyTokens
from shared_apps.accounts.models import PersonalAccessToken
from shared_apps.accounts.policies import TOKENS, require_person
from shared_apps.accounts.selectors.sign_ins import live_personal_tokens
from shared_apps.accounts.services.families import do_lock_user
from shared_apps.accounts.tokens import PERSONAL_PREFIX, hash_secret, new_secret
from shared_apps.accounts.types import CreatedToken
from shared_apps.audit.services import do_record
from shared_apps.core import clock
from shared_apps.core.actors import Actor
from shared_apps.core.errors import NotFound
from shared_apps.core.transactions import entry_transaction

MOST_TOKENS = 50
SHOWN_CHARACTERS = 12


def create_personal_token(
    *,
    actor: Actor,
    organization_id: uuid.UUID | None,
    name: str,
    scopes: list[str],
    expires_in_days: int | None,
) -> CreatedToken:
    """Make a token that acts as the actor on this host, no wider than the actor is.

    Args:
        scopes: "read", "write"; without "write" only safe methods pass. Never empty.
        expires_in_days: None for one that lives until it is revoked.

    Raises:
        PersonalTokenRefused: a token may not make tokens.
        TooManyTokens: MOST_TOKENS live ones exist.
    """
    require_person(actor, TOKENS)
    secret = new_secret(PERSONAL_PREFIX)
    now = clock.now()
    with entry_transaction():
        # The lock makes two requests at the limit count one after the other.
        user = do_lock_user(actor.user_id) if actor.user_id else None
        if user is None:
            raise TokenNotValid
        count = live_personal_tokens(user_id=user.id, organization_id=organization_id).count()
        if count >= MOST_TOKENS:
            raise TooManyTokens(most=MOST_TOKENS)
        token = PersonalAccessToken.objects.create(
            created_at=now,
            user=user,
            organization_id=organization_id,
            membership_id=actor.membership_id,
            name=name,
            prefix=secret[:SHOWN_CHARACTERS],
            token_hash=hash_secret(secret),
            scopes=sorted(set(scopes)),
            expires_at=now + timedelta(days=expires_in_days) if expires_in_days else None,
        )
        _record(actor, organization_id, "auth.token_created", token)
    return CreatedToken(
        token.id,
        token.name,
        token.prefix,
        token.scopes,
        token.created_at,
        token.expires_at,
        None,
        secret,
    )


def revoke_personal_token(*, actor: Actor, organization_id: uuid.UUID | None, token_id: uuid.UUID) -> None:
    """Make one of the actor's own tokens on this host invalid from the next request on.

    Raises:
        NotFound: somebody else's, another organization's, or revoked already.
    """
    require_person(actor, TOKENS)
    with entry_transaction():
        token = (
            live_personal_tokens(user_id=actor.user_id, organization_id=organization_id)
            .select_for_update()
            .filter(pk=token_id)
            .first()
        )
        if token is None:
            raise NotFound
        token.revoked_at = clock.now()
        token.save_fields("revoked_at")
        _record(actor, organization_id, "auth.token_revoked", token)


def _record(actor: Actor, organization_id: uuid.UUID | None, action: str, token: PersonalAccessToken) -> None:
    do_record(
        actor=actor,
        action=action,
        organization_id=organization_id,
        target=token,
        changes={"name": token.name, "scopes": token.scopes},
    )
