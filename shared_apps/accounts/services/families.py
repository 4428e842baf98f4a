"""Steps on sign-in families: open one, hand out its next tokens, end it.

Lock order everywhere: the user's row, then the family's (`SignIn`), then its tokens.
"""

import uuid
from datetime import timedelta

from django.conf import settings
from django.db.models import QuerySet

from shared_apps.accounts.enums import SignInKind
from shared_apps.accounts.models import Membership, RefreshToken, SignIn, User
from shared_apps.accounts.tokens import REFRESH_PREFIX, AccessClaims, encode_access, hash_secret, new_secret
from shared_apps.accounts.types import TokenPair
from shared_apps.core import clock
from shared_apps.core.transactions import require_transaction

# However often its tokens are renewed, a family ends: a copied device does not stay signed in for ever.
FAMILY_LIFETIME = timedelta(days=90)


def do_open_family(
    *,
    user: User,
    organization_id: uuid.UUID | None,
    membership: Membership | None,
    kind: SignInKind,
    user_agent: str,
    address: str | None,
) -> SignIn:
    """Record one sign-in on one device. The user's row must be locked, so that a password change at the
    same moment either ends this sign-in too or is seen by it."""
    require_transaction()
    return SignIn.objects.create(
        user=user,
        organization_id=organization_id,
        membership=membership,
        kind=kind,
        user_agent=user_agent[:300],
        address=address,
        last_used_at=clock.now(),
    )


def do_issue_tokens(*, family: SignIn, user: User) -> TokenPair:
    """Make the family's next pair. Only the refresh token's hash is kept."""
    require_transaction()
    now = clock.now()
    secret = new_secret(REFRESH_PREFIX)
    expires_at = min(now + settings.REFRESH_TOKEN_LIFETIME, family.created_at + FAMILY_LIFETIME)
    RefreshToken.objects.create(sign_in=family, token_hash=hash_secret(secret), expires_at=expires_at)
    access = encode_access(
        AccessClaims(user.id, family.membership_id, family.organization_id, family.id, user.sign_in_epoch)
    )
    lifetime = int(settings.ACCESS_TOKEN_LIFETIME.total_seconds())
    return TokenPair(access, lifetime, secret, expires_at)


def do_revoke(families: QuerySet[SignIn], *, reason: str) -> int:
    """End the live ones among the families; every access token, refresh token and session of theirs is 401
    from the next request on. Returns how many ended."""
    require_transaction()
    now = clock.now()
    return families.filter(revoked_at__isnull=True).update(
        revoked_at=now, revoked_reason=reason, updated_at=now
    )


def do_lock_user(user_id: uuid.UUID) -> User | None:
    """Return the user's row, locked against other changes of credentials, None when there is none active."""
    require_transaction()
    return User.objects.select_for_update(no_key=True).filter(pk=user_id, is_active=True).first()
