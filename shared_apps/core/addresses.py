"""Where a request comes from, behind as many proxies as the settings say."""

import ipaddress
from typing import Any

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str | None:
    """Return the caller's address, None when a proxy named none: the database would refuse other text.

    With NUM_PROXIES proxies in front it is the one that the outermost of them saw, counted from the right of
    X-Forwarded-For: what stands further left was sent by the caller, who may write anything.
    """
    proxies: Any = settings.REST_FRAMEWORK["NUM_PROXIES"]
    hops = [hop.strip() for hop in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if hop.strip()]
    found = hops[-min(proxies, len(hops))] if proxies and hops else request.META.get("REMOTE_ADDR", "")
    try:
        return str(ipaddress.ip_address(found))
    except ValueError:
        return None
