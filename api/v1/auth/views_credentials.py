"""Registration, proof of the address, passwords and personal access tokens."""

import uuid
from typing import ClassVar

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.core.schema import refuses
from api.v1.auth import serializers as shapes
from api.v1.auth.base import AnonymousViewSet, AuthViewSet, renew_session
from billing.entitlements import API_ACCESS
from shared_apps.accounts.selectors.sign_ins import list_personal_tokens
from shared_apps.accounts.services.emails import resend_verification, verify_email
from shared_apps.accounts.services.passwords import change_password, request_password_reset, reset_password
from shared_apps.accounts.services.personal_tokens import create_personal_token, revoke_personal_token
from shared_apps.accounts.services.registration import register

_DONE = OpenApiResponse(description="Done.")
_MAIL_SENT = {"status": "mail_sent"}


class RegisterViewSet(AnonymousViewSet):
    """New accounts, on the platform host."""

    policies: ClassVar[dict[str, str]] = {"create": "auth.register"}

    @extend_schema(request=shapes.RegisterIn, responses={202: shapes.AcceptedOut})
    def create(self, request: Request) -> Response:
        """Take the registration and mail the address; the answer is the same for a taken one."""
        register(actor=self.caller, **self.parsed(shapes.RegisterIn))
        return self.answer(shapes.AcceptedOut, _MAIL_SENT, status=202)


class EmailVerificationViewSet(AnonymousViewSet):
    """Proof that one reads mail at the address."""

    policies: ClassVar[dict[str, str]] = {"create": "auth.verify_email", "resend": "auth.verify_email"}

    @extend_schema(request=shapes.KeyIn, responses={204: _DONE})
    def create(self, request: Request) -> Response:
        """Take the key of the mail."""
        verify_email(actor=self.caller, key=self.parsed(shapes.KeyIn)["key"])
        return Response(status=204)

    @extend_schema(request=shapes.EmailIn, responses={202: shapes.AcceptedOut})
    def resend(self, request: Request) -> Response:
        """Send the mail again."""
        email = self.parsed(shapes.EmailIn)["email"]
        resend_verification(actor=self.caller, organization=self.organization, email=email)
        return self.answer(shapes.AcceptedOut, _MAIL_SENT, status=202)


class PasswordResetViewSet(AnonymousViewSet):
    """A new password by mail."""

    policies: ClassVar[dict[str, str]] = {"create": "auth.reset_password", "confirm": "auth.reset_password"}

    @extend_schema(request=shapes.EmailIn, responses={202: shapes.AcceptedOut})
    def create(self, request: Request) -> Response:
        """Ask for the mail; the answer is the same for every address."""
        email = self.parsed(shapes.EmailIn)["email"]
        request_password_reset(actor=self.caller, organization=self.organization, email=email)
        return self.answer(shapes.AcceptedOut, _MAIL_SENT, status=202)

    @extend_schema(request=shapes.ResetPasswordIn, responses={204: _DONE})
    def confirm(self, request: Request) -> Response:
        """Set the password; ends every sign-in and personal access token of the account."""
        given = self.parsed(shapes.ResetPasswordIn)
        reset_password(actor=self.caller, organization=self.organization, **given)
        return Response(status=204)


class PasswordViewSet(AuthViewSet):
    """One's own password."""

    policies: ClassVar[dict[str, str]] = {"create": "auth.change_password"}

    @extend_schema(request=shapes.ChangePasswordIn, responses={200: shapes.RenewedOut})
    def create(self, request: Request) -> Response:
        """Change it. Every other sign-in ends; this one goes on with what the answer holds."""
        given = self.parsed(shapes.ChangePasswordIn)
        tokens = change_password(actor=self.actor, organization=self.organization, **given)
        csrf_token = renew_session(self.plain_request) if self.actor.via == "session" else None
        return self.answer(shapes.RenewedOut, {"tokens": tokens, "csrf_token": csrf_token})


class PersonalTokenViewSet(AuthViewSet):
    """One's own personal access tokens on this host."""

    policies: ClassVar[dict[str, str]] = {
        "list": "auth.tokens",
        "create": "auth.tokens",
        "destroy": "auth.tokens",
    }
    features: ClassVar[dict[str, str]] = {"create": API_ACCESS}

    @extend_schema(responses=shapes.PersonalTokenOut(many=True))
    def list(self, request: Request) -> Response:
        """Return the live ones, newest first, without their secrets."""
        rows = list_personal_tokens(actor=self.actor, organization_id=self.organization_id)
        return self.page(shapes.PersonalTokenOut, rows)

    @refuses(402)
    @extend_schema(request=shapes.PersonalTokenIn, responses={201: shapes.CreatedTokenOut})
    def create(self, request: Request) -> Response:
        """Make one. Its secret is in this answer and nowhere else."""
        given = self.parsed(shapes.PersonalTokenIn)
        made = create_personal_token(actor=self.actor, organization_id=self.organization_id, **given)
        location = {"Location": f"{request.path}/{made.id}"}
        return self.answer(shapes.CreatedTokenOut, made, status=201, headers=location)

    @extend_schema(responses={204: _DONE})
    def destroy(self, request: Request, pk: uuid.UUID) -> Response:
        """Revoke one; it is refused from the next request on."""
        revoke_personal_token(actor=self.actor, organization_id=self.organization_id, token_id=pk)
        return Response(status=204)
