"""How Django's console checks a password: by the same throttled, even-timed check as the API's sign-in."""

from django.contrib.auth.backends import ModelBackend
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from shared_apps.accounts.errors import TooManyAttempts
from shared_apps.accounts.models import User
from shared_apps.accounts.services.credentials import find_user_by_password
from shared_apps.accounts.services.throttles import count_attempt, forget_attempts
from shared_apps.core.addresses import client_address
from shared_apps.core.text import normal_email


class EmailBackend(ModelBackend):
    """Sign-in by e-mail and password. Attempts here and at the API count together."""

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **fields: str,
    ) -> User | None:
        """Return the active user whose address and password these are, or None.

        Raises:
            PermissionDenied: too many attempts; Django's form then answers as for a wrong password.
        """
        email = username or fields.get("email")
        if email is None or password is None:
            return None
        account = normal_email(email)
        address = client_address(request) if request is not None else None
        try:
            count_attempt("sign_in", account=account, address=address)
        except TooManyAttempts as error:
            raise PermissionDenied from error
        user = find_user_by_password(email=account, password=password)
        if user is None or not self.user_can_authenticate(user):
            return None
        forget_attempts("sign_in", account=account, address=address)
        return user
