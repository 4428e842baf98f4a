"""Links that people get by mail. Built from settings, never from the Host of a request, which a stranger
can set to have a secret link point at a server of his own."""

from urllib.parse import urlencode

from django.conf import settings


def public_url(host: str, path: str, query: dict[str, str] | None = None) -> str:
    """Return the address that reaches `path` on one of our hosts from outside.

    Args:
        host: the platform's host or an organization's, without port.
        path: absolute path, "/reset-password".
        query: parameters, encoded here.
    """
    port = "" if settings.PUBLIC_URL_PORT == "0" else f":{settings.PUBLIC_URL_PORT}"
    tail = f"?{urlencode(query)}" if query else ""
    return f"{settings.PUBLIC_URL_SCHEME}://{host}{port}{path}{tail}"
