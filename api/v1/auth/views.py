"""Sign in, stay in, sign out: the same on the platform host and on every organization's."""

import uuid
from typing import ClassVar

from django.middleware.csrf import get_token
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.core.authentication import check_csrf
from api.core.schema import refuses
from api.v1.auth import serializers as shapes
from api.v1.auth.base import AnonymousViewSet, AuthViewSet, start_session
from shared_apps.accounts.enums import SignInKind
from shared_apps.accounts.selectors.identities import get_identity
from shared_apps.accounts.selectors.sign_ins import list_sign_ins
from shared_apps.accounts.services.sign_in import (
    refresh_tokens,
    revoke_sign_in,
    sign_in,
    sign_out,
    sign_out_everywhere,
)

_DONE = OpenApiResponse(description="Done.")


class CsrfViewSet(AnonymousViewSet):
    """The CSRF token a browser needs before it can sign in for a session."""

    policies: ClassVar[dict[str, str]] = {"retrieve": "auth.sign_in"}

    @extend_schema(responses=shapes.CsrfOut)
    def retrieve(self, request: Request) -> Response:
        """Return the token and set its cookie."""
        return self.answer(shapes.CsrfOut, {"csrf_token": get_token(self.plain_request)})


class SignInViewSet(AnonymousViewSet):
    """E-mail and password."""

    policies: ClassVar[dict[str, str]] = {"create": "auth.sign_in"}

    @extend_schema(request=shapes.SignInIn, responses={200: shapes.SignedInOut})
    @refuses(401)
    def create(self, request: Request) -> Response:
        """Answer a pair of tokens, or with mode `session` start a session: cookie and CSRF token.

        A session needs the CSRF token of `/auth/csrf` already here, so that no foreign page can sign a
        browser in to a stranger's account.
        """
        given = self.parsed(shapes.SignInIn)
        is_session = given["mode"] == "session"
        if is_session:
            check_csrf(self.plain_request)
        signed_in = sign_in(
            actor=self.caller,
            organization=self.organization,
            email=given["email"],
            password=given["password"],
            kind=SignInKind.BROWSER if is_session else SignInKind.API,
            user_agent=request.headers.get("User-Agent", ""),
        )
        csrf_token = start_session(self.plain_request, signed_in) if is_session else None
        found = {"user": signed_in.identity, "tokens": signed_in.tokens, "csrf_token": csrf_token}
        return self.answer(shapes.SignedInOut, found)


class RefreshViewSet(AnonymousViewSet):
    """The next pair of tokens."""

    policies: ClassVar[dict[str, str]] = {"create": "auth.refresh"}

    @extend_schema(request=shapes.RefreshIn, responses={200: shapes.TokenPairOut})
    @refuses(401)
    def create(self, request: Request) -> Response:
        """Spend the refresh token. It is good once; sending it again ends the whole sign-in."""
        given = self.parsed(shapes.RefreshIn)
        pair = refresh_tokens(
            actor=self.caller, organization=self.organization, refresh_token=given["refresh_token"]
        )
        return self.answer(shapes.TokenPairOut, pair)


class MeViewSet(AuthViewSet):
    """Who the caller is on this host."""

    policies: ClassVar[dict[str, str]] = {"retrieve": "auth.me"}

    @extend_schema(responses=shapes.IdentityOut)
    def retrieve(self, request: Request) -> Response:
        """Return the signed-in person and, on an organization's host, the role there."""
        return self.answer(shapes.IdentityOut, get_identity(actor=self.actor))


class SignOutViewSet(AuthViewSet):
    """Leave, here or on every device."""

    policies: ClassVar[dict[str, str]] = {"create": "auth.sign_out", "everywhere": "auth.sign_out"}

    @extend_schema(request=None, responses={204: _DONE})
    def create(self, request: Request) -> Response:
        """End the sign-in this request rides on, its session or every token of its family."""
        sign_out(actor=self.actor)
        if self.actor.via == "session":
            self.plain_request.session.flush()
        return Response(status=204)

    @extend_schema(request=None, responses={200: shapes.EndedOut})
    def everywhere(self, request: Request) -> Response:
        """End all of one's sign-ins on this host, this one too."""
        ended = sign_out_everywhere(actor=self.actor, organization_id=self.organization_id)
        if self.actor.via == "session":
            self.plain_request.session.flush()
        return self.answer(shapes.EndedOut, {"ended": ended})


class SignInsViewSet(AuthViewSet):
    """One's own devices on this host."""

    policies: ClassVar[dict[str, str]] = {"list": "auth.sign_ins", "destroy": "auth.sign_ins"}

    @extend_schema(responses=shapes.SignInOut(many=True))
    def list(self, request: Request) -> Response:
        """Return where one is signed in, newest first."""
        rows = list_sign_ins(actor=self.actor, organization_id=self.organization_id)
        return self.page(shapes.SignInOut, rows)

    @extend_schema(responses={204: _DONE})
    def destroy(self, request: Request, pk: uuid.UUID) -> Response:
        """End one of them."""
        revoke_sign_in(actor=self.actor, organization_id=self.organization_id, sign_in_id=pk)
        return Response(status=204)
