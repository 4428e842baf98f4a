"""Who calls, from DRF's request."""

from typing import cast

from rest_framework.request import Request

from shared_apps.core.actors import ANONYMOUS, Actor


def caller_of(request: Request) -> Actor:
    """Return the actor that authentication found, the anonymous one without a sign-in.

    DRF keeps in `auth` what the authentication class returned beside the user; ours return the Actor.
    """
    return cast("Actor", request.auth or ANONYMOUS)
