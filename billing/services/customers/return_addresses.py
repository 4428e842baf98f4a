"""Where the gateway's pages may lead a browser back to: our hosts, never anybody's."""

import uuid
from urllib.parse import urlsplit

from django.conf import settings

from billing.errors import ReturnAddressForeign
from tenants.links import public_url
from tenants.selectors.hosts import find_organization, primary_host


def checked_return(address: str, *, organization_id: uuid.UUID, field: str, paid: bool = False) -> str:
    """Return the address a page leads back to; where none is given, BILLING_PAGE on the organization's chosen
    host, told that something was paid.

    Raises:
        ReturnAddressForeign: it is on no host of the organization's nor of BILLING_RETURN_HOSTS.
    """
    if not address:
        query = {"paid": "1"} if paid else None
        return public_url(primary_host(organization_id), settings.BILLING_PAGE, query)
    if not _is_ours(address, organization_id):
        raise ReturnAddressForeign(field=field)
    return address


def _is_ours(address: str, organization_id: uuid.UUID) -> bool:
    # What browsers read otherwise than Python: a backslash is a slash to them, and control characters are
    # dropped.
    if "\\" in address or any(ord(character) <= 32 or ord(character) == 127 for character in address):
        return False
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return False
    if parts.scheme not in {settings.PUBLIC_URL_SCHEME, "https"} or "@" in parts.netloc:
        return False
    if parts.netloc.lower() in settings.BILLING_RETURN_HOSTS:
        return True
    if port is not None and str(port) != settings.PUBLIC_URL_PORT:
        return False
    found = find_organization(host)
    return found is not None and found.id == organization_id
