"""Sign in, stay in, sign out."""

import uuid

import structlog
from django.db.models import Q

from shared_apps.accounts.enums import MembershipStatus, SignInKind
from shared_apps.accounts.errors import BadCredentials, EmailNotVerified, TokenNotValid
from shared_apps.accounts.models import Membership, RefreshToken, SignIn, User
from shared_apps.accounts.policies import REFRESH, SIGN_IN, SIGN_INS, SIGN_OUT, require_person
from shared_apps.accounts.selectors.identities import find_active_membership, identity_of, is_email_proved
from shared_apps.accounts.selectors.sign_ins import own
from shared_apps.accounts.services.credentials import find_user_by_password
from shared_apps.accounts.services.families import do_issue_tokens, do_lock_user, do_open_family, do_revoke
from shared_apps.accounts.services.origins import as_person
from shared_apps.accounts.services.throttles import account_mark, count_attempt, forget_attempts
from shared_apps.accounts.tokens import hash_secret
from shared_apps.accounts.types import SignedIn, TokenPair
from shared_apps.audit.services import do_record
from shared_apps.core import clock
from shared_apps.core.actors import Actor
from shared_apps.core.errors import NotFound
from shared_apps.core.policies import require
from shared_apps.core.text import normal_email
from shared_apps.core.transactions import entry_transaction
from tenants.scope import OrganizationRef

log = structlog.get_logger(__name__)


def sign_in(
    *,
    actor: Actor,
    organization: OrganizationRef | None,
    email: str,
    password: str,
    kind: SignInKind,
    user_agent: str = "",
) -> SignedIn:
    """Sign a person in on one host.

    On an organization's host only its active members get in; to everybody else, however right the password,
    the answer is that of a wrong one.

    Args:
        actor: the anonymous caller, with address and request id.
        organization: of the host; None on the platform host, where any active user gets in.
        kind: API for a pair of tokens, BROWSER for a session that the caller starts with `sign_in_id`.

    Raises:
        TooManyAttempts: by account or by address.
        BadCredentials: see above.
        EmailNotVerified: right password, unproved address.
    """
    require(actor, SIGN_IN)
    account = normal_email(email)
    count_attempt("sign_in", account=account, address=actor.address)
    user = find_user_by_password(email=account, password=password)
    if user is None or (organization is not None and _membership(user, organization) is None):
        log.warning("sign_in_failed", account=account_mark(account), address=actor.address)
        raise BadCredentials
    forget_attempts("sign_in", account=account, address=actor.address)
    if not is_email_proved(user):
        raise EmailNotVerified
    with entry_transaction():
        return _do_sign_in(actor, organization, user, kind, user_agent)


def refresh_tokens(*, actor: Actor, organization: OrganizationRef | None, refresh_token: str) -> TokenPair:
    """Spend a refresh token and return the next pair.

    Each is good once. A used one means that two parties hold the family's tokens, and nobody can tell which
    is the owner: the whole family ends, and the owner signs in again. Of two requests with one token at the
    same moment one succeeds and the other counts as such a repeat.

    Raises:
        TokenNotValid: unknown, used, expired, revoked, or made for another host.
    """
    require(actor, REFRESH)
    with entry_transaction():
        pair = _do_spend(actor, organization, hash_secret(refresh_token))
    if pair is None:  # raised out here, so that the revocation of the family is committed
        raise TokenNotValid
    return pair


def sign_out(*, actor: Actor) -> None:
    """End the family that the actor's access token or session belongs to."""
    require_person(actor, SIGN_OUT)
    with entry_transaction():
        families = SignIn.objects.filter(Q(pk=actor.session_id, user_id=actor.user_id))
        if do_revoke(families, reason="sign_out"):
            _record(actor, "auth.sign_out", actor.session_id)


def sign_out_everywhere(*, actor: Actor, organization_id: uuid.UUID | None) -> int:
    """End all of the actor's sign-ins on this host's organization, this one too; return how many.

    Other organizations' hosts are left alone: what happens on one host has no effect on another. A new
    password ends them all.
    """
    require_person(actor, SIGN_OUT)
    with entry_transaction():
        families = SignIn.objects.filter(own(actor.user_id, organization_id))
        ended = do_revoke(families, reason="sign_out_everywhere")
        do_record(
            actor=actor,
            action="auth.sign_out_everywhere",
            organization_id=organization_id,
            target_kind="user",
            target_id=actor.user_id,
            changes={"ended": ended},
        )
    return ended


def revoke_sign_in(*, actor: Actor, organization_id: uuid.UUID | None, sign_in_id: uuid.UUID) -> None:
    """End one of the actor's own sign-ins on this host.

    Raises:
        NotFound: it is somebody else's, another organization's, or ended already.
    """
    require_person(actor, SIGN_INS)
    with entry_transaction():
        families = SignIn.objects.filter(own(actor.user_id, organization_id), pk=sign_in_id)
        if not do_revoke(families, reason="revoked_by_owner"):
            raise NotFound
        _record(actor, "auth.family_revoked", sign_in_id, reason="revoked_by_owner")


def _membership(user: User, organization: OrganizationRef) -> Membership | None:
    return find_active_membership(user_id=user.id, organization_id=organization.id)


def _do_sign_in(
    actor: Actor, organization: OrganizationRef | None, checked: User, kind: SignInKind, user_agent: str
) -> SignedIn:
    user = do_lock_user(checked.id)
    membership = _membership(checked, organization) if organization else None
    # The password was checked before the lock; one changed since then has moved the epoch.
    if user is None or user.sign_in_epoch != checked.sign_in_epoch:
        raise BadCredentials
    if organization is not None and membership is None:
        raise BadCredentials
    family = do_open_family(
        user=user,
        organization_id=organization.id if organization else None,
        membership=membership,
        kind=kind,
        user_agent=user_agent,
        address=actor.address,
    )
    tokens = do_issue_tokens(family=family, user=user) if kind is SignInKind.API else None
    person = as_person(actor=actor, user=user, membership=membership)
    _record(person, "auth.sign_in", family.id, kind=str(kind))
    return SignedIn(family.id, identity_of(user, membership), tokens)


def _do_spend(actor: Actor, organization: OrganizationRef | None, token_hash: bytes) -> TokenPair | None:
    """Return the next pair, None for a token that is not good. Reuse revokes the family on the way."""
    family_id = (
        RefreshToken.objects.filter(token_hash=token_hash).values_list("sign_in_id", flat=True).first()
    )
    if family_id is None:
        return None
    # The family's row is the lock: the token is read only once nobody else is spending one of the family.
    family = (
        SignIn.objects.select_for_update(of=("self",), no_key=True)
        .select_related("user", "membership")
        .get(pk=family_id)
    )
    if family.revoked_at is not None or family.organization_id != (organization.id if organization else None):
        return None
    now = clock.now()
    token = RefreshToken.objects.get(token_hash=token_hash)
    if token.used_at is not None:
        do_revoke(SignIn.objects.filter(pk=family.pk), reason="reuse")
        person = as_person(actor=actor, user=family.user, membership=family.membership)
        _record(person, "auth.family_revoked", family.id, reason="reuse")
        log.warning("refresh_token_reused", sign_in=str(family.id), address=actor.address)
        return None
    membership = family.membership
    is_out = organization is not None and (membership is None or membership.status != MembershipStatus.ACTIVE)
    if token.expires_at <= now or not family.user.is_active or is_out:
        return None
    token.used_at = now
    token.save_fields("used_at")
    family.last_used_at = now
    family.save_fields("last_used_at")
    return do_issue_tokens(family=family, user=family.user)


def _record(actor: Actor, action: str, sign_in_id: uuid.UUID | None, **changes: str) -> None:
    do_record(
        actor=actor,
        action=action,
        organization_id=actor.organization_id,
        target_kind="signin",
        target_id=sign_in_id,
        changes=dict(changes),
    )
