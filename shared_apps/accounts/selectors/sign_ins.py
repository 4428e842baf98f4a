"""A person's own sign-ins and tokens, on one host only: what one organization's host can see or end never
reaches into another."""

import uuid

from django.conf import settings
from django.db.models import Q, QuerySet

from shared_apps.accounts.models import PersonalAccessToken, SignIn
from shared_apps.accounts.policies import SIGN_INS, TOKENS, require_person
from shared_apps.core import clock
from shared_apps.core.actors import Actor


def own(user_id: uuid.UUID | None, organization_id: uuid.UUID | None) -> Q:
    """Return the condition for a person's own rows on one host; no organization means the platform host."""
    return Q(user_id=user_id, organization_id=organization_id)


def list_sign_ins(*, actor: Actor, organization_id: uuid.UUID | None) -> QuerySet[SignIn]:
    """Return the actor's live sign-ins on this host: not revoked, and used within a refresh token's life."""
    require_person(actor, SIGN_INS)
    since = clock.now() - settings.REFRESH_TOKEN_LIFETIME
    return SignIn.objects.filter(
        own(actor.user_id, organization_id), revoked_at__isnull=True, last_used_at__gt=since
    )


def list_personal_tokens(*, actor: Actor, organization_id: uuid.UUID | None) -> QuerySet[PersonalAccessToken]:
    """Return the actor's live personal access tokens on this host."""
    require_person(actor, TOKENS)
    return live_personal_tokens(user_id=actor.user_id, organization_id=organization_id)


def live_personal_tokens(
    *, user_id: uuid.UUID | None, organization_id: uuid.UUID | None
) -> QuerySet[PersonalAccessToken]:
    """Return the person's tokens that are neither revoked nor expired."""
    return PersonalAccessToken.objects.filter(
        own(user_id, organization_id),
        Q(expires_at__isnull=True) | Q(expires_at__gt=clock.now()),
        revoked_at__isnull=True,
    )
