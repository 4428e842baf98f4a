"""Refusals around people and sign-in."""

from shared_apps.core.errors import Unauthenticated


class TokenNotValid(Unauthenticated):
    """The token is malformed, expired, revoked, used up, or was made for another host. Which, isn't said."""

    code = "token_not_valid"
    title = "The token is not valid here."
    advice = "Sign in again on this host."
