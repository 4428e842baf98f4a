"""What a plan can allow: every name with its kind, what holds where a plan does not name it, and its wording.

A plan names what differs from the default in its `features`. Apps ask by these names, through
`billing.selectors.entitlements`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from billing.errors import FeatureUnknown, FeatureValueRefused


class Kind(StrEnum):
    """Whether it is counted, or there or not."""

    LIMIT = "limit"
    FLAG = "flag"


@dataclass(frozen=True, slots=True)
class Entitlement:
    """One thing that a plan allows.

    Attributes:
        default: what holds where neither plan nor operator says anything: a number or None (no limit) for a
            limit, true or false for a flag. What the product could do before plans named it stays allowed.
        wording: for people who compare plans.
    """

    kind: Kind
    default: int | bool | None
    wording: str


# Beyond this, readers of JSON that know only floating point would read another number.
MOST = 10**15

# Bytes, as storage is sold.
MEGABYTE = 1_000_000

COURSES = "courses"
STORAGE_MB = "storage_mb"
CUSTOM_DOMAINS = "custom_domains"
API_ACCESS = "api_access"
SSO = "sso"
PRIORITY_SUPPORT = "priority_support"

ENTITLEMENTS: Mapping[str, Entitlement] = {
    COURSES: Entitlement(Kind.LIMIT, None, "Courses that are not deleted"),
    STORAGE_MB: Entitlement(Kind.LIMIT, None, "Stored files, in megabytes of 1,000,000 bytes"),
    CUSTOM_DOMAINS: Entitlement(Kind.FLAG, True, "Domains of one's own"),
    API_ACCESS: Entitlement(Kind.FLAG, True, "Personal access tokens for the API"),
    SSO: Entitlement(Kind.FLAG, False, "Sign-in through one's own identity provider"),
    PRIORITY_SUPPORT: Entitlement(Kind.FLAG, False, "Support that answers first"),
}


def check_features(features: Mapping[str, Any], *, field: str = "features") -> None:
    """Refuse what no plan can say.

    Raises:
        FeatureUnknown: a name that is not registered; facts `feature`, `known`.
        FeatureValueRefused: a limit that is no whole number from 0 to MOST (null: no limit), a flag that is
            neither true nor false; facts `feature`, `kind`.
    """
    check_names(features, field=field)
    for name, value in features.items():
        kind = ENTITLEMENTS[name].kind
        if not is_value_of(kind, value):
            raise FeatureValueRefused(field=field, feature=name, kind=str(kind))


def check_names(names: Iterable[str], *, field: str) -> None:
    """Refuse what is not registered.

    Raises:
        FeatureUnknown: facts `feature`, `known`.
    """
    for name in names:
        if name not in ENTITLEMENTS:
            raise FeatureUnknown(field=field, feature=name, known=sorted(ENTITLEMENTS))


def is_value_of(kind: Kind, value: Any) -> bool:
    """Tell whether the value is one of the kind. A bool is an int to Python, and no limit to us."""
    if kind is Kind.FLAG:
        return isinstance(value, bool)
    return value is None or (isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST)
