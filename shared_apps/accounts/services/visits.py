"""Steps on operators' entries into an organization: a sign-in without membership, whose token only reads."""

import uuid
from datetime import timedelta

from shared_apps.accounts.enums import SignInKind
from shared_apps.accounts.models import SignIn
from shared_apps.accounts.services.families import do_lock_user, do_open_family, do_revoke
from shared_apps.accounts.tokens import AccessClaims, encode_access
from shared_apps.core.actors import Actor
from shared_apps.core.errors import Forbidden
from shared_apps.core.transactions import require_transaction


def do_open_visit(*, actor: Actor, organization_id: uuid.UUID, lifetime: timedelta) -> tuple[uuid.UUID, str]:
    """Open an entry for an operator; return the id of its sign-in and the access token for the organization's
    host. No refresh token is made: when the token is over, so is the entry.

    Raises:
        Forbidden: the actor is no operator (any more).
    """
    require_transaction()
    user = do_lock_user(actor.user_id) if actor.user_id is not None else None
    if user is None or not user.is_staff:
        raise Forbidden
    family = do_open_family(
        user=user,
        organization_id=organization_id,
        membership=None,
        kind=SignInKind.SUPPORT,
        user_agent="",
        address=actor.address,
    )
    claims = AccessClaims(user.id, None, organization_id, family.id, user.sign_in_epoch)
    return family.id, encode_access(claims, lifetime=lifetime)


def do_end_visits(*, sign_in_ids: list[uuid.UUID]) -> int:
    """End entries before their time; return how many were live."""
    require_transaction()
    return do_revoke(SignIn.objects.filter(id__in=sign_in_ids, kind=SignInKind.SUPPORT), reason="entry ended")
