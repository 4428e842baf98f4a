"""What the views of this slice share: answers that are never remembered, and the caller behind a sign-in."""

from dataclasses import replace
from typing import Any

from django.http import HttpRequest
from django.middleware.csrf import get_token, rotate_token

from api.core.authentication import organization_of, origin_of
from api.core.viewsets import DomainViewSet
from shared_apps.accounts.services.access import SESSION_SIGN_IN
from shared_apps.accounts.types import SignedIn
from shared_apps.core.actors import ANONYMOUS, Actor


class AuthViewSet(DomainViewSet):
    """A viewset whose bodies and answers hold secrets, so that none is remembered."""

    remembers_answers = False

    @property
    def organization(self) -> Any:
        """The host's organization, None on the platform host."""
        return organization_of(self.request)

    @property
    def organization_id(self) -> Any:
        """Its id, None on the platform host."""
        return self.organization.id if self.organization else None

    @property
    def plain_request(self) -> HttpRequest:
        """Django's own request, which carries session and CSRF cookie."""
        return self.request._request


class AnonymousViewSet(AuthViewSet):
    """A door for people who are not signed in. No credential is looked at: clients send an expired token
    along with the refresh token that is to replace it."""

    authentication_classes = ()

    @property
    def caller(self) -> Actor:
        """Nobody yet, with the address that throttles count and the audit log keeps."""
        origin = origin_of(self.request)
        return replace(ANONYMOUS, address=origin["address"], request_id=origin["request_id"])


def start_session(request: HttpRequest, signed_in: SignedIn) -> str:
    """Start a browser session for the sign-in under a fresh key; return the CSRF token that goes with it.

    What was in the session before is dropped: a key that somebody planted must not become a signed-in one.
    The CSRF secret is changed too.
    """
    request.session.flush()
    request.session[SESSION_SIGN_IN] = str(signed_in.sign_in_id)
    rotate_token(request)
    return get_token(request)


def renew_session(request: HttpRequest) -> str:
    """Give the running session a fresh key after its password changed; return the CSRF token."""
    request.session.cycle_key()
    rotate_token(request)
    return get_token(request)
