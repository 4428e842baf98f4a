"""Tax ids and countries as people type them."""

import re
from collections.abc import Callable
from importlib import resources

from stdnum.au import abn
from stdnum.ca import bn
from stdnum.ch import vat as ch_vat
from stdnum.eu import vat as eu_vat
from stdnum.exceptions import ValidationError
from stdnum.gb import vat as gb_vat
from stdnum.in_ import gstin
from stdnum.no import mva
from stdnum.us import ein

from billing.errors import TaxIdMalformed

# The kinds whose form is known here, with what brings a number into the form that the gateway wants.
_KNOWN: dict[str, Callable[[str], str]] = {
    "au_abn": abn.validate,
    "ca_bn": bn.validate,
    "ch_vat": lambda value: ch_vat.format(ch_vat.validate(value)),
    "eu_vat": eu_vat.validate,
    "gb_vat": lambda value: f"GB{gb_vat.validate(value)}",
    "in_gst": gstin.validate,
    "no_vat": lambda value: mva.validate(value).removeprefix("NO"),
    "us_ein": lambda value: ein.format(ein.validate(value)),
}
# Others are the gateway's to check.
_KIND = re.compile(r"[a-z]{2}_[a-z_]{2,12}")
_OTHER = re.compile(r"[A-Z0-9][A-Z0-9 ./-]{2,39}")


def checked_tax_id(kind: str, value: str) -> str:
    """Return the number in the gateway's form.

    Args:
        kind: "eu_vat", "gb_vat", "us_ein" ...: the country's letters and the tax's name.

    Raises:
        TaxIdMalformed: no number of this kind looks so.
    """
    if not _KIND.fullmatch(kind):
        raise TaxIdMalformed(field="type", kind=kind)
    validate = _KNOWN.get(kind)
    try:
        number = validate(value) if validate else value.strip().upper()
    except ValidationError as error:
        raise TaxIdMalformed(field="value", kind=kind) from error
    if not _OTHER.fullmatch(number):
        raise TaxIdMalformed(field="value", kind=kind)
    return number


def countries() -> frozenset[str]:
    """Return the two-letter codes of ISO 3166, from the time-zone database, which keeps them current."""
    lines = resources.files("tzdata").joinpath("zoneinfo/iso3166.tab").read_text("utf-8").splitlines()
    return frozenset(line.split("\t")[0] for line in lines if line and not line.startswith("#"))


COUNTRIES = countries()
