"""Proving that a person reads mail at the account's address.

The proof belongs to the login and counts on all hosts: it is written under the platform's role, also when the
request came to an organization's host.
"""

from allauth.account.models import EmailAddress, EmailConfirmationHMAC

from shared_apps.accounts.errors import KeyNotValid
from shared_apps.accounts.models import SignIn, User
from shared_apps.accounts.policies import VERIFY_EMAIL
from shared_apps.accounts.selectors.identities import is_email_proved
from shared_apps.accounts.services.families import do_lock_user, do_revoke
from shared_apps.accounts.services.mails import (
    do_mail_account_exists,
    do_mail_password_reset,
    do_mail_unknown_account,
    do_mail_verification,
)
from shared_apps.accounts.services.origins import as_person
from shared_apps.accounts.services.throttles import count_attempt
from shared_apps.audit.services import do_record
from shared_apps.core.actors import Actor
from shared_apps.core.policies import require
from shared_apps.core.text import normal_email
from shared_apps.core.transactions import entry_transaction, require_transaction
from tenants.context import in_public
from tenants.scope import OrganizationRef


def do_add_unproved_email(user: User) -> EmailAddress:
    """Record the user's address as not proved yet; every key mailed before becomes void, as it names a row
    that is gone."""
    require_transaction()
    EmailAddress.objects.filter(user_id=user.id).delete()
    return EmailAddress.objects.create(user=user, email=user.email, primary=True, verified=False)


def do_prove_email(user: User, *, keeps_password: bool) -> bool:
    """Record that the person at the address has answered a mail of ours. Returns whether that was news.

    Args:
        user: row locked by the caller.
        keeps_password: True only where the answered mail was asked for together with the password. Whoever
            registered this address before its owner knows a password that must not open the account now:
            with False, a password older than the proof is dropped and every sign-in ended.
    """
    require_transaction()
    address, _ = EmailAddress.objects.get_or_create(
        user=user, email=user.email, defaults={"primary": True, "verified": False}
    )
    if address.verified:
        return False
    # An account that once had this address may still hold its proof; the newest proof counts.
    EmailAddress.objects.filter(email=user.email, verified=True).exclude(user_id=user.id).delete()
    address.verified = True
    address.save(update_fields=["verified"])
    if not keeps_password and user.has_usable_password():
        user.set_unusable_password()
        user.sign_in_epoch += 1
        user.save_fields("password", "sign_in_epoch")
        do_revoke(SignIn.objects.filter(user_id=user.id), reason="email_proved")
    return True


def verify_email(*, actor: Actor, key: str) -> None:
    """Take the key of a verification mail.

    Where the address was registered more than once before it was proved, two people may have chosen a
    password, and the click on a mail does not tell which of them it was: none is kept, and the address gets
    the link to choose one.

    Raises:
        KeyNotValid: malformed, expired, or used.
    """
    require(actor, VERIFY_EMAIL)
    with in_public():
        confirmation = EmailConfirmationHMAC.from_key(key)
        if confirmation is None:
            raise KeyNotValid(field="key")
        with entry_transaction():
            user = do_lock_user(confirmation.email_address.user_id)
            # Asked again under the lock: a registration at this moment may have made the key void.
            if user is None or EmailConfirmationHMAC.from_key(key) is None:
                raise KeyNotValid(field="key")
            if user.email != confirmation.email_address.email:
                raise KeyNotValid(field="key")
            is_registered_once = user.sign_in_epoch == 0
            do_prove_email(user, keeps_password=is_registered_once)
            if not is_registered_once:
                do_mail_password_reset(user=user, organization=None)
            do_record(
                actor=as_person(actor=actor, user=user, membership=None),
                action="auth.email_verified",
                organization_id=None,
                target=user,
            )


def resend_verification(*, actor: Actor, organization: OrganizationRef | None, email: str) -> None:
    """Send the verification mail again. One mail goes out whatever the address is, so that neither answer
    nor time tells: a proved account gets "you have an account", an unknown address "there is none".

    Raises:
        TooManyAttempts: too many mails to one address or asked from one.
    """
    require(actor, VERIFY_EMAIL)
    account = normal_email(email)
    count_attempt("mail", account=account, address=actor.address)
    with in_public(), entry_transaction():
        user = User.objects.filter(email=account, is_active=True).first()
        if user is None or not user.has_usable_password():
            language = organization.language if organization else "en"
            do_mail_unknown_account(email=account, language=language, organization=organization)
        elif is_email_proved(user):
            do_mail_account_exists(user=user, organization=organization)
        else:
            address, _ = EmailAddress.objects.get_or_create(
                user=user, email=user.email, defaults={"primary": True, "verified": False}
            )
            do_mail_verification(user=user, address=address, organization=organization)
