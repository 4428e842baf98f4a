"""Host names, names and addresses that customers say are theirs, in the form in which they are kept and
compared."""

import ipaddress
import re
import unicodedata

import idna
from django.conf import settings

from shared_apps.core.text import normal_email
from shared_apps.onboarding.errors import CompanyNameMalformed, DomainMalformed, EmailNotAccepted
from tenants.names import skeleton

LONGEST = 253
# Names that no public DNS answers for; the last of a name's labels.
_NOT_PUBLIC_WORDS = "localhost local internal invalid onion arpa home lan corp intranet private"
_NOT_PUBLIC = frozenset(_NOT_PUBLIC_WORDS.split())
# Two labels under which others register. Whoever could prove one of them owns the registry, so the list is a
# courtesy that refuses a slip at once, not a guard.
_SHARED_WORDS = """
    ac.uk co.uk gov.uk ltd.uk me.uk net.uk org.uk plc.uk sch.uk com.au edu.au net.au org.au co.nz net.nz
    org.nz co.jp ne.jp or.jp co.kr or.kr co.in net.in org.in com.br net.br org.br com.cn net.cn org.cn
    com.hk com.mx com.sg com.tr com.tw com.ar co.za org.za co.il com.pl com.ua co.at or.at com.es com.pt
    github.io gitlab.io herokuapp.com vercel.app netlify.app pages.dev web.app azurewebsites.net
    cloudfront.net
"""
_LOOK_ALIKES = ("LATIN ", "CYRILLIC ", "GREEK ", "ARMENIAN ", "CHEROKEE ")
_SHARED_SUFFIXES = frozenset(_SHARED_WORDS.split())


def parse_domain(text: str) -> str:
    """Return the domain in lower-case A-labels, without a dot at the end.

    Raises:
        DomainMalformed: no host name, an address, a single label, a suffix that others register under, or a
            name that is ours or reads like ours; fact `why`.
    """
    wished = text.strip().rstrip(".")
    if not wished or len(wished) > LONGEST:
        raise _malformed("length")
    try:
        name = idna.encode(wished, uts46=True, std3_rules=True).decode().lower()
    except idna.IDNAError as error:
        raise _malformed("no host name") from error
    if len(name) > LONGEST:
        raise _malformed("length")
    _refuse_unusable(name)
    _refuse_ours(name)
    return name


def _refuse_unusable(name: str) -> None:
    labels = name.split(".")
    last = labels[-1]
    if _is_address(name) or not (last.isalpha() or last.startswith("xn--")):
        raise _malformed("an address" if _is_address(name) else "no host name")
    if len(labels) < 2 or last in _NOT_PUBLIC:
        raise _malformed("not a public name")
    if name in _SHARED_SUFFIXES:
        raise _malformed("a suffix of many")


def _refuse_ours(name: str) -> None:
    """Refuse the platform's own names and those that read like them: people would believe them."""
    labels = [_as_shown(label) for label in name.split(".")]
    for ours in (settings.PLATFORM_BASE_DOMAIN, settings.PLATFORM_HOST):
        own = [skeleton(label) for label in ours.split(".")]
        last = labels[-len(own) :]
        if len(last) == len(own) and all(map(_reads_like, last, own)):
            raise _malformed("the platform's own")


def _as_shown(label: str) -> str:
    """Return the skeleton of a label as browsers may show it: of its Unicode form, without accents."""
    shown = unicodedata.normalize("NFKD", idna.ulabel(label))
    return skeleton("".join(one for one in shown if not unicodedata.combining(one)))


def _reads_like(shown: str, own: str) -> bool:
    """Tell whether two skeletons read alike. A letter of an alphabet with look-alikes of ours stands for any:
    which of them look alike is a matter of the font, and a name of our length with such letters has no
    business beside ours."""
    return len(shown) == len(own) and all(
        here == there or (not here.isascii() and unicodedata.name(here, "").startswith(_LOOK_ALIKES))
        for here, there in zip(shown, own, strict=True)
    )


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _malformed(why: str) -> DomainMalformed:
    return DomainMalformed(field="domain", why=why)


# Services whose addresses last minutes. A courtesy against slips and scripts; the setting adds to it.
_SHORT_LIVED_WORDS = """
    10minutemail.com 10minutemail.net discard.email dispostable.com emailondeck.com fakeinbox.com
    getairmail.com getnada.com guerrillamail.com guerrillamail.net guerrillamail.org maildrop.cc
    mailinator.com mailnesia.com mintemail.com moakt.com mohmal.com nada.email sharklasers.com spam4.me
    spamgourmet.com temp-mail.org tempail.com tempmail.com tempmailo.com throwawaymail.com trashmail.com
    trashmail.de wegwerfmail.de yopmail.com yopmail.net
"""
_SHORT_LIVED = frozenset(_SHORT_LIVED_WORDS.split())
_ADDRESS_IN_NAME = re.compile(r"://|\bwww\.|[<>]|@\w")


def parse_company_name(text: str) -> str:
    """Return the name on one line with single spaces.

    The name stands in a mail to an address that nobody has verified, so it must not carry a message.

    Raises:
        CompanyNameMalformed: shorter than 2 characters, or with an address or control characters in it.
    """
    name = " ".join(unicodedata.normalize("NFC", text).split())
    odd = any(unicodedata.category(one) in {"Cc", "Cf", "Co", "Cs"} for one in name)
    if len(name) < 2 or odd or _ADDRESS_IN_NAME.search(name):
        raise CompanyNameMalformed(field="name")
    return name


def parse_owner_email(text: str) -> str:
    """Return the address in its normal form.

    Raises:
        EmailNotAccepted: of a service whose addresses last minutes.
    """
    email = normal_email(text)
    labels = email.rpartition("@")[2].split(".")
    domains = {".".join(labels[start:]) for start in range(len(labels) - 1)}
    if domains & (_SHORT_LIVED | set(settings.SIGN_UP_REFUSED_EMAIL_DOMAINS)):
        raise EmailNotAccepted(field="email")
    return email


def comparable(name: str) -> str:
    """Return the form in which names of companies are held and compared."""
    return unicodedata.normalize("NFKC", name).casefold()[:200]
