"""Which outside pages a lesson may show in a frame.

An embed runs another company's code beside our learners, so the host must be named beforehand, and the
address must mean the same host to every parser: what is unusual is refused instead of repaired.
"""

import re
from collections.abc import Iterable
from encodings.idna import ToASCII
from typing import Final
from urllib.parse import quote

from tenant_apps.courses.content.errors import BadAllowedHost, EmbedNotAllowed

DEFAULT_ALLOWED_EMBED_HOSTS: Final = (
    "www.youtube-nocookie.com",
    "www.youtube.com",
    "player.vimeo.com",
)
MAX_URL_CHARACTERS: Final = 2_000

_URL: Final = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<authority>[^/?#]*)(?P<rest>.*)", re.S)
_LABEL: Final = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL})+")
# What browsers read as an IPv4 address: a last label that is a decimal, octal or hexadecimal number.
_NUMERIC_LABEL: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")
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
    host = _punycode(authority.lower())
    if host is None:
        raise EmbedNotAllowed("embed_url_malformed", host=authority, allowed=allowed)
    if _NUMERIC_LABEL.fullmatch(host.rpartition(".")[2]):
        raise EmbedNotAllowed("embed_ip_address", host=host, allowed=allowed)
    if not _HOST.fullmatch(host):
        raise EmbedNotAllowed("embed_url_malformed", host=host, allowed=allowed)
    return host


def _punycode(host: str) -> str | None:
    """Return the ASCII form of `host`, or None when it has none or only resembles an ASCII name."""
    labels = []
    for label in host.split("."):
        if label.isascii():
            labels.append(label)
            continue
        try:
            encoded = ToASCII(label).decode("ascii")
        except UnicodeError:
            return None
        # Full-width letters, ligatures and their like fold into plain ASCII: a disguise, not a name.
        if not encoded.startswith("xn--"):
            return None
        labels.append(encoded)
    return ".".join(labels)


def _canonical_allowed_host(entry: str) -> str:
    wildcard = entry.startswith("*.")
    host = _punycode(entry.removeprefix("*.").lower())
    # `*.com` would hand the decision to whoever buys a domain, so a wildcard needs two labels below it.
    if host is None or not _HOST.fullmatch(host) or _NUMERIC_LABEL.fullmatch(host.rpartition(".")[2]):
        raise BadAllowedHost(entry)
    return f"*.{host}" if wildcard else host


def _matches(host: str, entry: str) -> bool:
    return host.endswith(entry[1:]) if entry.startswith("*.") else host == entry
