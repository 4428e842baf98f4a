"""Which subdomains may be taken: the form of a DNS label, no reserved word, no look-alike of one."""

import re
from collections.abc import Callable

from tenants.errors import NameMalformed, NameNotAvailable

_LABEL = re.compile(r"^[a-z](?:[a-z0-9-]{1,38})[a-z0-9]$")

_RESERVED_WORDS = """
    account accounts admin administrator analytics api app apps assets auth autoconfig autodiscover beta
    billing blog cdn chat cname community console customer customers dashboard demo dev developer
    developers dns docs download email enterprise events example faq feedback files forum ftp git help
    home host hosting http https id imap info internal invoice invoices jobs learn legal localhost login
    logout mail marketing media members metrics mobile monitor mx my news newsletter ns ns1 ns2 oauth
    office official operator ops palaestra partner partners pay payment payments ping platform pop pop3
    portal postmaster press pricing privacy prod production proxy public register registration root sales
    sandbox saml scim secure security service services shop signin signup sip site sites smtp sso staff
    staging static stats status stripe support system team teams test tls training trust update upload
    user users vpn web webhook webhooks webmail wiki wpad ww www www1 www2 xmpp
"""
RESERVED_NAMES = frozenset(_RESERVED_WORDS.split())

# Characters that read alike in common fonts, folded to one; applied to both sides of the comparison.
FOLDED, FOLDED_TO = "01i34578", "olleastb"
_FOLDS = str.maketrans(FOLDED, FOLDED_TO)
# Two letters that read like one.
PAIRS = (("-", ""), ("rn", "m"), ("vv", "w"))


def skeleton(name: str) -> str:
    """Return the name with look-alike characters folded and hyphens left out: equal skeletons read alike.

    The registry asks the database the same way, see `skeleton_of` in tenants.services.organizations.
    """
    folded = name.lower().translate(_FOLDS)
    for pair, single in PAIRS:
        folded = folded.replace(pair, single)
    return folded


_RESERVED_SKELETONS = frozenset(skeleton(name) for name in RESERVED_NAMES)


def check_name(name: str) -> str:
    """Return the subdomain if its form is right and it reads like no reserved one.

    Args:
        name: what somebody asks for, any case.

    Raises:
        NameMalformed: not a label of 3 to 40 characters (RFC 1035 form), or an IDN prefix (`xn--`).
        NameNotAvailable: reserved or a look-alike of a reserved name.
    """
    label = name.strip().lower()
    if not _LABEL.match(label) or "--" in label:
        raise NameMalformed(field="slug", name=name[:80])
    if label in RESERVED_NAMES or skeleton(label) in _RESERVED_SKELETONS:
        raise NameNotAvailable(field="slug", name=label)
    return label


_holds: list[Callable[[str], bool]] = []


def register_hold(is_held: Callable[[str], bool]) -> None:
    """Keep names that are somebody's before there is an organization: `is_held` is asked, with the skeleton
    of a wished name, before anybody gets it. Called in `AppConfig.ready` of the app that promises names."""
    _holds.append(is_held)


def is_held(alike: str) -> bool:
    """Tell whether a name of this skeleton is promised to somebody."""
    return any(each(alike) for each in _holds)


def schema_name_for(identifier_hex: str) -> str:
    """Return the schema of an organization: `t_` and the base-32 spelling of its UUID (26 characters)."""
    number = int(identifier_hex, 16)
    letters = "abcdefghijklmnopqrstuvwxyz234567"
    spelled = ""
    for _ in range(26):
        number, rest = divmod(number, 32)
        spelled = letters[rest] + spelled
    return f"t_{spelled}"
