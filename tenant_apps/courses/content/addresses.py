"""Addresses that authors give: of media, files elsewhere and embeds.

An address must mean the same host to every parser: what is unusual is refused instead of repaired.
"""

import re
from typing import Final
from urllib.parse import quote

from shared_apps.core.hosts import ends_in_number, is_host_name, to_ascii_host
from tenant_apps.courses.content.errors import AddressRefused

# What the columns hold, in the canonical form.
MAX_URL_CHARACTERS: Final = 500
_MAX_READ: Final = 2_000

_URL: Final = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<authority>[^/?#]*)(?P<rest>.*)", re.S)
# Characters that parsers skip, trim or take for a slash.
_AMBIGUOUS: Final = re.compile(r"[\s\x00-\x20\x7f-\xa0\u00ad\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff\\]")


def check_https_url(url: str) -> str:
    """Return the canonical form: https, lower-case ASCII host without port, percent-encoded rest.

    Raises:
        AddressRefused: with rule url_malformed, url_too_long, scheme, userinfo, port or ip_address.
    """
    return canonical_address(url)[1]


def canonical_address(url: str) -> tuple[str, str]:
    """Return the host and the canonical form of an https address.

    Raises:
        AddressRefused: see `check_https_url`.
    """
    match = _URL.fullmatch(url)
    if match is None or len(url) > _MAX_READ or _AMBIGUOUS.search(url):
        raise AddressRefused("url_malformed")
    if match["scheme"].lower() != "https":
        raise AddressRefused("scheme", host=match["authority"])
    host = _canonical_host(match["authority"])
    rest = match["rest"] if match["rest"].startswith("/") else "/" + match["rest"]
    try:
        canonical = f"https://{host}" + quote(rest, safe="/?#[]@!$&()*+,;=:~%-._")
    except UnicodeEncodeError:
        raise AddressRefused("url_malformed", host=host) from None
    if len(canonical) > MAX_URL_CHARACTERS:
        raise AddressRefused("url_too_long", host=host)
    return host, canonical


def _canonical_host(authority: str) -> str:
    if "@" in authority:
        raise AddressRefused("userinfo", host=authority.rpartition("@")[2])
    if authority.startswith("["):
        raise AddressRefused("ip_address", host=authority)
    if ":" in authority:
        raise AddressRefused("port", host=authority.partition(":")[0])
    host = to_ascii_host(authority.lower())
    if host is None:
        raise AddressRefused("url_malformed", host=authority)
    if ends_in_number(host):
        raise AddressRefused("ip_address", host=host)
    if not is_host_name(host):
        raise AddressRefused("url_malformed", host=host)
    return host
