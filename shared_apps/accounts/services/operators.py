"""Operators of the platform: made from the command line of the installation, never over HTTP."""

from shared_apps.accounts.models import User
from shared_apps.accounts.services.credentials import hash_accepted_password
from shared_apps.accounts.services.emails import do_prove_email
from shared_apps.audit.services import do_record
from shared_apps.core.actors import Actor
from shared_apps.core.text import normal_email
from shared_apps.core.transactions import entry_transaction


def make_operator(*, actor: Actor, email: str, password: str, name: str = "") -> User:
    """Make the person an operator, with the account if there is none; repeating it sets the password anew.

    Args:
        actor: the system's actor; whoever reaches the command line runs the installation.
        password: accepted by the password rules.

    Raises:
        InvalidInput: the password rules refuse the password.
    """
    address = normal_email(email)
    password_hash = hash_accepted_password(password, field="password", about=User(email=address, name=name))
    with entry_transaction():
        user, _ = User.objects.select_for_update().get_or_create(email=address, defaults={"name": name})
        user.password = password_hash
        user.sign_in_epoch += 1
        user.is_staff = user.is_superuser = user.is_active = True
        user.save_fields("password", "sign_in_epoch", "is_staff", "is_superuser", "is_active")
        do_prove_email(user, keeps_password=True)
        do_record(actor=actor, action="operators.make", organization_id=None, target=user)
    return user
