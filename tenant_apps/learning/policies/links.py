"""The links of the chain that access hangs on, in their order, and what one of them says."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class LinkName(StrEnum):
    """What can be in the way. The order is that of the chain: the first closed link is the cause."""

    MEMBERSHIP = "membership"
    ROLE = "role"
    SUBSCRIPTION = "subscription"
    ENROLLMENT = "enrollment"
    GRANT = "grant"
    RUN = "run"
    SEAT = "seat"
    OFFER = "offer"
    SWITCH = "switch"
    LESSON = "lesson"
    RELEASE = "release"
    PREREQUISITE = "prerequisite"


class Access(StrEnum):
    """Whether the lessons of a course can be opened now, or why not."""

    OPEN = "open"
    NOT_ACTIVE = "not_active"
    EXPIRED = "expired"
    NOT_STARTED = "not_started"
    ENDED = "ended"
    CANCELLED = "cancelled"
    SEAT_NEEDED = "seat_needed"


@dataclass(frozen=True, slots=True)
class Link:
    """One link of the chain.

    Attributes:
        code: of the refusal it leads to; "" while it is open.
        facts: JSON-ready values about this occurrence; those of the refusal.
        changes_at: the next instant at which the link opens or closes, if time alone moves it.
        access: what a closed link makes of the course's `access`.
    """

    name: LinkName
    code: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    changes_at: datetime | None = None
    access: Access = Access.OPEN

    @property
    def is_open(self) -> bool:
        """Whether it lets through."""
        return not self.code

    @property
    def by_itself(self) -> bool:
        """Whether it changes without anybody doing anything."""
        return self.changes_at is not None


def utc_text(instant: datetime | None) -> str | None:
    """Return the instant as answers show it, in UTC."""
    return instant.isoformat().replace("+00:00", "Z") if instant else None
