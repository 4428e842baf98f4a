"""A company signs itself up, on the platform host. Nobody is signed in: a sign-up's secret is the right."""

import uuid
from typing import Any, ClassVar

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from api.core.idempotency import HEADER, BadIdempotencyKey
from api.core.schema import refuses
from api.core.viewsets import DomainViewSet
from api.v1.sign_ups.serializers import CheckoutIn, NewSignUpOut, SignUpIn, SignUpOut, VerifyIn
from shared_apps.onboarding.selectors.sign_ups import get_sign_up, show_sign_up
from shared_apps.onboarding.services.sign_up_checkouts import open_sign_up_page
from shared_apps.onboarding.services.sign_ups import create_sign_up, resend_verification_mail, verify_sign_up
from shared_apps.onboarding.types import NewSignUp

SECRET = "Sign-Up-Secret"  # noqa: S105  a header's name
_SECRET = OpenApiParameter(
    SECRET, str, OpenApiParameter.HEADER, required=True, description="As the first answer gave it."
)
_SECRET_IF_KNOWN = OpenApiParameter(
    SECRET, str, OpenApiParameter.HEADER, description="Left out on another device than the first."
)
_KEY = OpenApiParameter(
    HEADER,
    str,
    OpenApiParameter.HEADER,
    description="The same key with the same body answers the sign-up of the first time, with its secret. "
    "Choose a random one: it is as good as the secret.",
)


class SignUpViewSet(DomainViewSet):
    """From the first form to the organization's own host.

    No sign-in is looked at, and no answer is remembered, since answers hold secrets; a repeated creation is
    known by its key all the same.
    """

    authentication_classes = ()
    remembers_answers = False

    policies: ClassVar[dict[str, str]] = {
        "create": "sign_ups.use",
        "retrieve": "sign_ups.use",
        "verify": "sign_ups.use",
        "resend": "sign_ups.use",
        "checkout": "sign_ups.use",
    }

    @extend_schema(parameters=[_KEY], request=SignUpIn, responses={201: NewSignUpOut})
    @refuses(409)
    def create(self, request: Request) -> Response:
        """Hold the names and mail the owner a link that verifies the address.

        The answer is the same whether or not the address has an account here.
        """
        row, secret = create_sign_up(
            actor=self.actor, wish=NewSignUp(**self.parsed(SignUpIn)), creation_key=self._creation_key()
        )
        return self._answer_new(row, secret, status=201, headers={"Location": f"/api/v1/sign-ups/{row.id}"})

    @extend_schema(parameters=[_SECRET], responses={200: SignUpOut})
    def retrieve(self, request: Request, pk: uuid.UUID) -> Response:
        """Read how far it is, and what comes next; made for asking every few seconds after the payment."""
        return self._answer(get_sign_up(actor=self.actor, sign_up_id=pk, secret=self._secret))

    @extend_schema(parameters=[_SECRET_IF_KNOWN], request=VerifyIn, responses={200: NewSignUpOut})
    @action(detail=True, methods=["post"])
    def verify(self, request: Request, pk: uuid.UUID) -> Response:
        """Take the token of the mail. Who comes without the first secret gets a new one, and that is void."""
        token = self.parsed(VerifyIn)["token"]
        row, fresh = verify_sign_up(actor=self.actor, sign_up_id=pk, token=token, secret=self._secret)
        return self._answer_new(row, fresh)

    @extend_schema(parameters=[_SECRET], request=None, responses={202: SignUpOut})
    @refuses(410)
    @action(detail=True, methods=["post"])
    def resend(self, request: Request, pk: uuid.UUID) -> Response:
        """Send the mail again. The link of the one before is void then."""
        row = resend_verification_mail(actor=self.actor, sign_up_id=pk, secret=self._secret)
        return self._answer(row, status=202)

    @extend_schema(parameters=[_SECRET], request=CheckoutIn, responses={200: SignUpOut})
    @refuses(402, 410)
    @action(detail=True, methods=["post"])
    def checkout(self, request: Request, pk: uuid.UUID) -> Response:
        """Open the page to pay on: send the browser to `checkout_url`.

        The same wish again gives the page that is open; another one closes it first. Nothing follows from the
        browser's return: read the sign-up until its status is `ready`.
        """
        changes = self.parsed(CheckoutIn)
        if "plan" in changes:
            changes["plan_code"] = changes.pop("plan")
        row = open_sign_up_page(actor=self.actor, sign_up_id=pk, secret=self._secret, changes=changes)
        return self._answer(row)

    @property
    def _secret(self) -> str | None:
        return self.request.headers.get(SECRET)

    def _creation_key(self) -> str | None:
        key = self.request.headers.get(HEADER)
        if key is not None and (not 8 <= len(key) <= 200 or not key.isascii() or not key.isprintable()):
            raise BadIdempotencyKey(field=HEADER)
        return key

    def _answer(self, row: Any, *, status: int = 200) -> Response:
        return self.answer(SignUpOut, show_sign_up(row), status=status)

    def _answer_new(self, row: Any, secret: str | None, **options: Any) -> Response:
        return self.answer(NewSignUpOut, {**show_sign_up(row), "secret": secret}, **options)
