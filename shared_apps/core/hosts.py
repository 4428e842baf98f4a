"""Names of internet hosts, in the one form in which they are compared."""

import re
from encodings.idna import ToASCII
from typing import Final

_LABEL: Final = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL})+")
# What browsers read as an IPv4 address: a last label that is a decimal, octal or hexadecimal number.
_NUMERIC_LABEL: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")


def to_ascii_host(host: str) -> str | None:
    """Return the ASCII form of a lower-case name, or None if it has none or only resembles an ASCII name."""
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


def is_host_name(host: str) -> bool:
    """Tell whether an ASCII text is a lower-case name of two labels or more and no address in numbers."""
    return _HOST.fullmatch(host) is not None and not ends_in_number(host)


def ends_in_number(host: str) -> bool:
    """Tell whether browsers take the host for an IPv4 address."""
    return _NUMERIC_LABEL.fullmatch(host.rpartition(".")[2]) is not None


def canonical_host_pattern(entry: str) -> str | None:
    """Return an exact host or `*.host` in lower-case ASCII, or None when it is neither.

    `*.com` would hand the decision to whoever buys a domain, so a wildcard needs two labels below it.
    """
    host = to_ascii_host(entry.removeprefix("*.").lower())
    if host is None or not is_host_name(host):
        return None
    return f"*.{host}" if entry.startswith("*.") else host
