"""Which outside pages a lesson may show in a frame.

An embed runs another company's code beside our learners, so the host must be named beforehand, and the
address must mean the same host to every parser: what is unusual is refused instead of repaired.
"""

import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import quote

from shared_apps.core.hosts import canonical_host_pattern, ends_in_number, is_host_name, to_ascii_host
from tenant_apps.courses.content.errors import BadAllowedHost, EmbedNotAllowed

DEFAULT_ALLOWED_EMBED_HOSTS: Final = (
    "www.youtube-nocookie.com",
    "www.youtube.com",
    "player.vimeo.com",
)
MAX_URL_CHARACTERS: Final = 2_000

_URL: Final = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<authority>[^/?#]*)(?P<rest>.*)", re.S)
# Characters that parsers skip, trim or take for a slash.
_AMBIGUOUS: Final = re.compile(r"[\s\x00-\x20\x7f-\xa0\u00ad\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff\\]")


def check_embed_url(url: str, allowed_hosts: Iterable[str] = DEFAULT_ALLOWED_EMBED_HOSTS) -> str:
    """Return the canonical form of `url`: https, lower-case ASCII host, percent-encoded rest.

    Args:
        url: what an author entered.
        allowed_hosts: exact hosts, or `*.example.com` for every host below example.com (not itself).

    Raises:
        EmbedNotAllowed: with code embed_url_malformed, embed_scheme, embed_userinfo, embed_port,
            embed_ip_address or embed_host.
        BadAllowedHost: an entry of `allowed_hosts` is neither of the two forms.
    """
    allowed = tuple(_canonical_allowed_host(entry) for entry in allowed_hosts)
    match = _URL.fullmatch(url)
    if match is None or len(url) > MAX_URL_CHARACTERS or _AMBIGUOUS.search(url):
        raise EmbedNotAllowed("embed_url_malformed", host="", allowed=allowed)
    authority = match["authority"]
    if match["scheme"].lower() != "https":
        raise EmbedNotAllowed("embed_scheme", host=authority, allowed=allowed)
    host = _canonical_host(authority, allowed)
    if not any(_matches(host, entry) for entry in allowed):
        raise EmbedNotAllowed("embed_host", host=host, allowed=allowed)
    rest = match["rest"]
    if not rest.startswith("/"):
        rest = "/" + rest
    try:
        return f"https://{host}" + quote(rest, safe="/?#[]@!$&()*+,;=:~%-._")
    except UnicodeEncodeError:
        raise EmbedNotAllowed("embed_url_malformed", host=host, allowed=allowed) from None


def _canonical_host(authority: str, allowed: tuple[str, ...]) -> str:
    if "@" in authority:
        raise EmbedNotAllowed("embed_userinfo", host=authority.rpartition("@")[2], allowed=allowed)
    if authority.startswith("["):
        raise EmbedNotAllowed("embed_ip_address", host=authority, allowed=allowed)
    if ":" in authority:
        raise EmbedNotAllowed("embed_port", host=authority.partition(":")[0], allowed=allowed)
    host = to_ascii_host(authority.lower())
    if host is None:
        raise EmbedNotAllowed("embed_url_malformed", host=authority, allowed=allowed)
    if ends_in_number(host):
        raise EmbedNotAllowed("embed_ip_address", host=host, allowed=allowed)
    if not is_host_name(host):
        raise EmbedNotAllowed("embed_url_malformed", host=host, allowed=allowed)
    return host


def _canonical_allowed_host(entry: str) -> str:
    canonical = canonical_host_pattern(entry)
    if canonical is None:
        raise BadAllowedHost(entry)
    return canonical


def _matches(host: str, entry: str) -> bool:
    return host.endswith(entry[1:]) if entry.startswith("*.") else host == entry
