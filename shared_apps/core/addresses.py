"""Where a request comes from, behind as many proxies as the settings say."""

import ipaddress
from typing import Any

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str | None:
    """Return the caller's address, None where the server knows none (a socket file).

    With NUM_PROXIES proxies in front it is the one that the outermost of them saw, counted from the right of
    X-Forwarded-For: what stands further left was sent by the caller, who may write anything. Where no address
    stands there, which the database would refuse, it is the nearest proxy's.
    """
    proxies: Any = settings.REST_FRAMEWORK["NUM_PROXIES"]
    hops = [hop.strip() for hop in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if hop.strip()]
    seen = hops[-min(proxies, len(hops))] if proxies and hops else ""
    return _address(seen) or _address(request.META.get("REMOTE_ADDR", ""))


def _address(text: str) -> str | None:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return None
