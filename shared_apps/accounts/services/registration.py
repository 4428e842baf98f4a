"""Registration on the platform host: a login identity without organization."""

from django.db import IntegrityError, transaction

from shared_apps.accounts.models import Membership, SignIn, User
from shared_apps.accounts.policies import REGISTER
from shared_apps.accounts.selectors.identities import is_email_proved
from shared_apps.accounts.services.credentials import hash_accepted_password
from shared_apps.accounts.services.emails import do_add_unproved_email
from shared_apps.accounts.services.families import do_lock_user, do_revoke
from shared_apps.accounts.services.mails import do_mail_account_exists, do_mail_verification
from shared_apps.accounts.services.origins import as_person
from shared_apps.accounts.services.throttles import count_attempt
from shared_apps.audit.services import do_record
from shared_apps.core.actors import Actor
from shared_apps.core.policies import require
from shared_apps.core.text import normal_email
from shared_apps.core.transactions import entry_transaction


def register(*, actor: Actor, email: str, password: str, name: str, timezone: str, language: str) -> None:
    """Make an account whose address is to be proved; for a taken address, write to its owner instead.

    The caller sees and waits the same in both cases: one hash, one mail. A registration that nobody proved
    is replaced by the next one for the same address, and its mailed key becomes void. One that somebody
    invited (has memberships) or proved is never touched.

    Args:
        timezone: IANA name.
        language: code of a language of the product.

    Raises:
        PasswordNotAccepted: a rule about passwords.
        TooManyAttempts: too many mails to one address or asked from one.
    """
    require(actor, REGISTER)
    account = normal_email(email)
    about = User(email=account, name=name, timezone=timezone, language=language)
    count_attempt("mail", account=account, address=actor.address)
    about.password = hash_accepted_password(password, field="password", about=about)
    with entry_transaction():
        if _do_create(about) or _do_replace_unproved(about):
            user = User.objects.get(email=account)
            do_mail_verification(user=user, address=do_add_unproved_email(user), organization=None)
            do_record(
                actor=as_person(actor=actor, user=user, membership=None),
                action="auth.registered",
                organization_id=None,
                target=user,
            )
        else:
            do_mail_account_exists(user=User.objects.get(email=account), organization=None)


def _do_create(about: User) -> bool:
    """Insert the user; False when the address is taken, by an older account or a request at this moment."""
    if User.objects.filter(email=about.email).exists():
        return False
    try:
        with transaction.atomic():
            about.save(force_insert=True)
    except IntegrityError:
        return False
    return True


def _do_replace_unproved(about: User) -> bool:
    """Overwrite a registration nobody proved; False when the account is somebody's."""
    found = User.objects.get(email=about.email)
    user = do_lock_user(found.id)
    if user is None or is_email_proved(user) or Membership.objects.filter(user_id=user.id).exists():
        return False
    user.password, user.name = about.password, about.name
    user.timezone, user.language = about.timezone, about.language
    user.sign_in_epoch += 1
    user.save_fields("password", "name", "timezone", "language", "sign_in_epoch")
    do_revoke(SignIn.objects.filter(user_id=user.id), reason="registered_again")
    return True
