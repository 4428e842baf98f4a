"""Call the API as somebody, on the right host, through the whole middleware stack."""

from typing import Any

from rest_framework.test import APIClient

from shared_apps.accounts.models import Membership, SignIn, User
from shared_apps.accounts.tokens import AccessClaims, encode_access
from tenants.context import in_public
from tenants.models import Organization
from tenants.services.organizations import host_of

PLATFORM_HOST = "app.palaestra.test"


class Caller(APIClient):
    """An API client bound to one host; `token` is the bearer token it sends."""

    def __init__(self, host: str, token: str | None = None, **options: Any) -> None:
        super().__init__(SERVER_NAME=host, HTTP_HOST=host, raise_request_exception=True, **options)
        self.host = host
        self.token = token
        self.default_format = "json"
        if token:
            self.credentials(HTTP_AUTHORIZATION=f"Bearer {token}", HTTP_HOST=host)

    def generic(  # type: ignore[override]  # the parents' signatures differ from each other
        self, method: str, path: str, data: Any = "", *args: Any, **extra: Any
    ) -> Any:
        """Send, always to the caller's host."""
        extra.setdefault("HTTP_HOST", self.host)
        return super().generic(method, path, data, *args, **extra)


def body_of(answer: Any) -> bytes:
    """Return an answer's whole body, read to its end where it is streamed; that can be done once."""
    return b"".join(answer.streaming_content) if answer.streaming else bytes(answer.content)


def access_token(membership: Membership) -> str:
    """Return an access token of the membership, as a sign-in on its organization's host would give."""
    with in_public():
        sign_in = SignIn.objects.create(
            user_id=membership.user_id, organization_id=membership.organization_id, membership=membership
        )
        epoch = User.objects.values_list("sign_in_epoch", flat=True).get(pk=membership.user_id)
    return encode_access(
        AccessClaims(membership.user_id, membership.id, membership.organization_id, sign_in.id, epoch)
    )


def caller_as(membership: Membership, organization: Organization) -> Caller:
    """Return a client signed in as the member, on the organization's host."""
    return Caller(host_of(organization.slug), access_token(membership))


def platform_caller(user: User) -> Caller:
    """Return a client signed in on the platform host."""
    with in_public():
        sign_in = SignIn.objects.create(user=user)
    return Caller(
        PLATFORM_HOST, encode_access(AccessClaims(user.id, None, None, sign_in.id, user.sign_in_epoch))
    )
