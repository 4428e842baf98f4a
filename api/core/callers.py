"""Who calls, from DRF's request."""

from dataclasses import replace
from typing import cast

from rest_framework.request import Request

from shared_apps.core.actors import ANONYMOUS, Actor
from shared_apps.core.addresses import client_address


def caller_of(request: Request) -> Actor:
    """Return the actor that authentication found; without a sign-in the anonymous one, with the address that
    throttles count and the audit log keeps.

    DRF keeps in `auth` what the authentication class returned beside the user; ours return the Actor.
    """
    if request.auth is not None:
        return cast("Actor", request.auth)
    plain = request._request
    return replace(ANONYMOUS, address=client_address(plain), request_id=getattr(plain, "request_id", None))
