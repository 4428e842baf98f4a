"""What is passed to the services of onboarding, and the checks of its values."""

import re
import zoneinfo
from dataclasses import dataclass
from functools import cache

from billing.enums import Interval
from shared_apps.core.text import normal_email

# The setting by which an organization's owners let operators look in, or not; allowed where it was never set.
SUPPORT_SETTING = "support_entry"
# Whether courses are published only after somebody else approved them.
REVIEW_SETTING = "course_review"
REVIEW_REQUIRED, REVIEW_OFF = "required", "off"
COURSE_REVIEW = (REVIEW_REQUIRED, REVIEW_OFF)
# The settings that are an organization's own admins', with what holds where they were never set.
OWN_SETTINGS = {REVIEW_SETTING: REVIEW_OFF}

_ORIGIN = re.compile(r"^https?://[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?(?::[1-9][0-9]{0,4})?$")


@dataclass(frozen=True, slots=True)
class NewOrganization:
    """An organization to be made.

    Attributes:
        slug: its subdomain.
        owner_email: who is invited as its first owner.
        owner_name: to greet by, where it is known.
        timezone: IANA name, the default of its people and runs.
        language: BCP 47 tag, "en".
    """

    name: str
    slug: str
    owner_email: str
    timezone: str = "UTC"
    language: str = "en"
    owner_name: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "owner_email", normal_email(self.owner_email))


@dataclass(frozen=True, slots=True)
class NewSignUp:
    """What somebody who signs a company up says of it.

    Attributes:
        slug: the wished subdomain.
        seats: how many to begin with.
        card_later: begin the trial, where there is one, without a card.
        language: BCP 47 tag; of the mails, and the organization's default.
    """

    name: str
    slug: str
    owner_name: str
    email: str
    plan: str
    interval: Interval
    currency: str
    seats: int
    card_later: bool = False
    timezone: str = "UTC"
    language: str = "en"


def is_timezone(name: str) -> bool:
    """Tell whether the name is one of the IANA database."""
    return name in _timezones()


@cache
def _timezones() -> frozenset[str]:
    """Return the names; read once, since it walks through hundreds of files."""
    return frozenset(zoneinfo.available_timezones())


def is_origin(text: str) -> bool:
    """Tell whether the text is a browser origin: scheme and host, lower case, no path and no wildcard."""
    return bool(_ORIGIN.match(text))
