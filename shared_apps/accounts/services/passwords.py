"""Set a new password: by mailed link, or knowing the current one.

A login belongs to no organization and its password opens it on all hosts, so it is written under the
platform's role, also when the request came to an organization's host. A tenant's role cannot.
"""

import uuid

from allauth.account.forms import default_token_generator

from shared_apps.accounts.errors import KeyNotValid, WrongPassword
from shared_apps.accounts.models import PersonalAccessToken, RefreshToken, SignIn, User
from shared_apps.accounts.policies import CHANGE_PASSWORD, RESET_PASSWORD, require_person
from shared_apps.accounts.selectors.identities import find_active_membership, get_identity
from shared_apps.accounts.services.credentials import find_user_by_password, hash_accepted_password
from shared_apps.accounts.services.emails import do_prove_email
from shared_apps.accounts.services.families import do_issue_tokens, do_lock_user, do_revoke
from shared_apps.accounts.services.mails import (
    do_mail_password_changed,
    do_mail_password_reset,
    do_mail_unknown_account,
)
from shared_apps.accounts.services.origins import as_person
from shared_apps.accounts.services.throttles import count_attempt, forget_attempts
from shared_apps.accounts.types import TokenPair
from shared_apps.audit.services import do_record
from shared_apps.core import clock
from shared_apps.core.actors import Actor
from shared_apps.core.errors import Unauthenticated
from shared_apps.core.policies import require
from shared_apps.core.text import normal_email
from shared_apps.core.transactions import entry_transaction
from tenants.context import in_public
from tenants.scope import OrganizationRef


def request_password_reset(*, actor: Actor, organization: OrganizationRef | None, email: str) -> None:
    """Mail a link for a new password to whoever may sign in on this host; to any other address a mail that
    there is no account here. The caller sees and waits the same.

    Raises:
        TooManyAttempts: too many mails to one address or asked from one.
    """
    require(actor, RESET_PASSWORD)
    account = normal_email(email)
    count_attempt("mail", account=account, address=actor.address)
    # By the platform's role: allauth notes the address of an account that has none noted yet.
    with in_public(), entry_transaction():
        user = User.objects.filter(email=account, is_active=True).first()
        if user is not None and organization is not None:
            has_place = find_active_membership(user_id=user.id, organization_id=organization.id)
            user = user if has_place else None
        if user is None:
            language = organization.language if organization else "en"
            do_mail_unknown_account(email=account, language=language, organization=organization)
        else:
            do_mail_password_reset(user=user, organization=organization)


def reset_password(
    *, actor: Actor, organization: OrganizationRef | None, uid: str, token: str, new_password: str
) -> None:
    """Set a new password with a mailed link, which also proves the address.

    The account may have been in strange hands: every sign-in and personal access token ends, on all hosts.

    Raises:
        KeyNotValid: malformed, expired, or used.
        PasswordNotAccepted: a rule about passwords.
    """
    require(actor, RESET_PASSWORD)
    with in_public():
        user_id = _uuid_or_none(uid)
        found = User.objects.filter(pk=user_id, is_active=True).first() if user_id else None
        if found is None or not default_token_generator.check_token(found, token):
            raise KeyNotValid(field="token")
        hashed = hash_accepted_password(new_password, field="new_password", about=found)
        with entry_transaction():
            user = do_lock_user(found.id)
            # Of two requests with one link the second finds the token void, as the first moved the password.
            if user is None or not default_token_generator.check_token(user, token):
                raise KeyNotValid(field="token")
            do_prove_email(user, keeps_password=True)
            ended = _do_set_password(user, hashed, spare=None, reason="password_reset")
            now = clock.now()
            PersonalAccessToken.objects.filter(user_id=user.id, revoked_at__isnull=True).update(
                revoked_at=now, updated_at=now
            )
            _record(
                as_person(actor=actor, user=user, membership=None), organization, "auth.password_reset", ended
            )
            do_mail_password_changed(user=user, organization=organization)
    forget_attempts("sign_in", account=user.email, address=None)


def change_password(
    *, actor: Actor, organization: OrganizationRef | None, current_password: str, new_password: str
) -> TokenPair | None:
    """Set a new password, knowing the current one. This sign-in goes on, all others end.

    Returns:
        The next pair of tokens for this sign-in, whose old ones are void; None for a browser session.

    Raises:
        WrongPassword: the current one.
        PasswordNotAccepted: a rule about passwords.
        TooManyAttempts: guesses at the current password count like sign-ins.
        PersonalTokenRefused: a personal access token may not.
    """
    require_person(actor, CHANGE_PASSWORD)
    with in_public():
        account = get_identity(actor=actor).email
        count_attempt("sign_in", account=account, address=actor.address)
        checked = find_user_by_password(email=account, password=current_password)
        if checked is None:
            raise WrongPassword(field="current_password")
        forget_attempts("sign_in", account=account, address=actor.address)
        hashed = hash_accepted_password(new_password, field="new_password", about=checked)
        with entry_transaction():
            user = do_lock_user(checked.id)
            if user is None or user.sign_in_epoch != checked.sign_in_epoch:
                raise WrongPassword(field="current_password")
            ended = _do_set_password(user, hashed, spare=actor.session_id, reason="password_changed")
            _record(actor, organization, "auth.password_changed", ended)
            do_mail_password_changed(user=user, organization=organization)
            return _do_renew(actor, user)


def _do_set_password(user: User, hashed: str, *, spare: uuid.UUID | None, reason: str) -> int:
    user.password = hashed
    user.sign_in_epoch += 1
    user.save_fields("password", "sign_in_epoch")
    families = SignIn.objects.filter(user_id=user.id)
    return do_revoke(families.exclude(pk=spare) if spare else families, reason=reason)


def _do_renew(actor: Actor, user: User) -> TokenPair | None:
    """Spend what refresh token the sparing family still has and hand out the next pair."""
    if actor.via != "jwt" or actor.session_id is None:
        return None
    family = SignIn.objects.select_for_update(no_key=True).filter(pk=actor.session_id).first()
    if family is None or family.revoked_at is not None:
        raise Unauthenticated
    now = clock.now()
    RefreshToken.objects.filter(sign_in=family, used_at__isnull=True).update(used_at=now, updated_at=now)
    return do_issue_tokens(family=family, user=user)


def _record(actor: Actor, organization: OrganizationRef | None, action: str, ended: int) -> None:
    do_record(
        actor=actor,
        action=action,
        organization_id=organization.id if organization else None,
        target_kind="user",
        target_id=actor.user_id,
        changes={"ended": ended},
    )


def _uuid_or_none(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
