"""Who calls: a bearer token (JWT or personal access token) or a session cookie, for this host only.

Both end in one `Actor`; views never see a user object. A token or session made for another host is no
sign-in here: 401, as if it were not there.
"""

import uuid
from dataclasses import dataclass
from typing import Any

import structlog
from django.http import HttpRequest
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, CSRFCheck
from rest_framework.request import Request

from api.core.views import CsrfFailed
from shared_apps.accounts.services.access import actor_of_session, actor_of_token
from shared_apps.core.actors import VIA_SUPPORT, Actor
from shared_apps.core.addresses import client_address
from shared_apps.core.errors import Unauthenticated

REALM = 'Bearer realm="palaestra"'


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Stands where DRF expects a user; what acts is `request.auth`, the Actor."""

    pk: uuid.UUID | None
    is_authenticated: bool = True
    is_active: bool = True


class BearerAuthentication(BaseAuthentication):
    """`Authorization: Bearer <access token or personal access token>`."""

    def authenticate(self, request: Request) -> tuple[SignedIn, Actor] | None:
        """Return the caller, or None when the request carries no bearer token.

        Raises:
            Unauthenticated: the token is wrong, expired, revoked, or was made for another host.
        """
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        actor = actor_of_token(
            token.strip(), organization=organization_of(request), origin=origin_of(request)
        )
        return _signed_in(actor)

    def authenticate_header(self, request: Request) -> str:
        """Return the challenge of a 401."""
        return REALM


class OrganizationSessionAuthentication(BaseAuthentication):
    """Django session made by a sign-in on this very host, with CSRF."""

    def authenticate(self, request: Request) -> tuple[SignedIn, Actor] | None:
        """Return the caller, or None without a session of this host.

        Raises:
            CsrfFailed: an unsafe method without the session's CSRF token.
        """
        plain: HttpRequest = request._request
        if not plain.session.session_key:
            return None
        actor = actor_of_session(
            plain.session, organization=organization_of(request), origin=origin_of(request)
        )
        if actor is None:
            return None
        check_csrf(plain)
        return _signed_in(actor)

    def authenticate_header(self, request: Request) -> str:
        """Return the challenge of a 401."""
        return REALM


def check_csrf(request: HttpRequest) -> None:
    """Check token and Origin of a request that rides on a cookie.

    Raises:
        CsrfFailed: missing or wrong.
    """
    check = CSRFCheck(lambda _: None)  # type: ignore[arg-type]  # DRF's own way of calling it
    check.process_request(request)
    reason = check.process_view(request, None, (), {})  # type: ignore[arg-type]
    if reason:
        raise CsrfFailed(reason=str(reason))


def organization_of(request: Request) -> Any:
    """Return the host's organization, None on the platform host."""
    return getattr(request._request, "organization", None)


def origin_of(request: Request) -> dict[str, str | None]:
    """Return the address and request id that the audit log keeps.

    Behind NUM_PROXIES proxies the address is the one that the outermost of them saw, as for the throttles.
    """
    return {
        "address": client_address(request._request),
        "request_id": getattr(request._request, "request_id", None),
    }


def _signed_in(actor: Actor) -> tuple[SignedIn, Actor]:
    if not actor.is_authenticated:
        raise Unauthenticated
    structlog.contextvars.bind_contextvars(caller=str(actor.user_id))
    if actor.via == VIA_SUPPORT:
        structlog.contextvars.bind_contextvars(support_entry=str(actor.session_id), operator=actor.label)
    return SignedIn(actor.user_id), actor


class BearerScheme(OpenApiAuthenticationExtension):
    """How the API document names the bearer token."""

    target_class = "api.core.authentication.BearerAuthentication"
    name = "bearer"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """Return the OpenAPI security scheme."""
        return {"type": "http", "scheme": "bearer", "description": "Access token or personal access token."}


class SessionScheme(OpenApiAuthenticationExtension):
    """How the API document names the session cookie."""

    target_class = "api.core.authentication.OrganizationSessionAuthentication"
    name = "session"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """Return the OpenAPI security scheme."""
        return {
            "type": "apiKey",
            "in": "cookie",
            "name": "palaestra_session",
            "description": "With X-CSRFToken.",
        }
