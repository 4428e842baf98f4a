"""Which outside pages a lesson may show in a frame.

An embed runs another company's code beside our learners, so the host must be named beforehand, and the
address must mean the same host to every parser: what is unusual is refused instead of repaired.
"""

from collections.abc import Iterable
from typing import Final

from shared_apps.core.hosts import canonical_host_pattern
from tenant_apps.courses.content.addresses import canonical_address
from tenant_apps.courses.content.errors import AddressRefused, BadAllowedHost, EmbedNotAllowed

DEFAULT_ALLOWED_EMBED_HOSTS: Final = (
    "www.youtube-nocookie.com",
    "www.youtube.com",
    "player.vimeo.com",
)


def check_embed_url(url: str, allowed_hosts: Iterable[str] = DEFAULT_ALLOWED_EMBED_HOSTS) -> str:
    """Return the canonical form of `url`: https, lower-case ASCII host, percent-encoded rest.

    Args:
        url: what an author entered.
        allowed_hosts: exact hosts, or `*.example.com` for every host below example.com (not itself).

    Raises:
        EmbedNotAllowed: with code embed_url_malformed, embed_url_too_long, embed_scheme, embed_userinfo,
            embed_port, embed_ip_address or embed_host.
        BadAllowedHost: an entry of `allowed_hosts` is neither of the two forms.
    """
    allowed = tuple(_canonical_allowed_host(entry) for entry in allowed_hosts)
    try:
        host, canonical = canonical_address(url)
    except AddressRefused as error:
        raise EmbedNotAllowed(f"embed_{error.rule}", host=error.host, allowed=allowed) from error
    if not any(_matches(host, entry) for entry in allowed):
        raise EmbedNotAllowed("embed_host", host=host, allowed=allowed)
    return canonical


def _canonical_allowed_host(entry: str) -> str:
    canonical = canonical_host_pattern(entry)
    if canonical is None:
        raise BadAllowedHost(entry)
    return canonical


def _matches(host: str, entry: str) -> bool:
    return host.endswith(entry[1:]) if entry.startswith("*.") else host == entry
