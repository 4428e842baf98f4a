"""Checking and making passwords, outside any transaction: a slow hash must not hold locks or a snapshot."""

from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from shared_apps.accounts.errors import PasswordNotAccepted
from shared_apps.accounts.models import User
from shared_apps.core.text import normal_email
from tenants.context import in_public


def find_user_by_password(*, email: str, password: str) -> User | None:
    """Return the active user whose address and password these are, else None.

    One hash is computed in every case, so the time does not tell whether the address is known.
    """
    with in_public():  # an organization's role is not told the hash
        user = User.objects.filter(email=normal_email(email)).first()
    if user is None or not user.has_usable_password():
        make_password(password)
        return None
    if not user.check_password(password) or not user.is_active:
        return None
    return user


def hash_accepted_password(password: str, *, field: str, about: User) -> str:
    """Return the hash of a new password that passes the rules.

    Args:
        field: name of the input field, for the refusal.
        about: the person, whose name and address must not be the password.

    Raises:
        PasswordNotAccepted: with the code of each rule it fails.
    """
    try:
        validate_password(password, user=about)
    except ValidationError as error:
        raise PasswordNotAccepted(field=field, reasons=[inner.code for inner in error.error_list]) from error
    return make_password(password)
