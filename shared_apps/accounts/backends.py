"""How Django's console checks a password: by normalised e-mail address."""

from django.contrib.auth.backends import ModelBackend
from django.http import HttpRequest

from shared_apps.accounts.models import User
from shared_apps.core.text import normal_email


class EmailBackend(ModelBackend):
    """Sign-in by e-mail and password; an unknown address costs the same time as a wrong password."""

    def authenticate(  # type: ignore[override]  Django's parameters are looser
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **fields: str,
    ) -> User | None:
        """Return the active user whose address and password these are, or None."""
        email = username or fields.get("email")
        if email is None or password is None:
            return None
        user = User.objects.filter(email=normal_email(email)).first()
        if user is None:
            User().set_password(password)  # the time of one hash, so that answers don't tell who exists
            return None
        if user.check_password(password) and self.user_can_authenticate(user):
            return user
        return None
