"""Who may learn, and when: one function decides access to the lessons of an enrollment and says why."""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from shared_apps.core.actors import EVERYONE
from shared_apps.core.errors import DomainError
from shared_apps.core.policies import Rule, declare
from tenant_apps.learning.errors import EnrollmentExpired, EnrollmentNotActive, RunNotOpen

LEARN = declare(Rule("learning.learn", roles=EVERYONE))

# A finished course stays open until its run ends; a pending enrollment becomes active by the first step.
_LEARNING_STATES = frozenset({"pending", "active", "completed"})


class Access(StrEnum):
    """Whether the lessons can be opened now, or why not."""

    OPEN = "open"
    NOT_ACTIVE = "not_active"
    EXPIRED = "expired"
    NOT_STARTED = "not_started"
    ENDED = "ended"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Terms:
    """What access to an enrollment's lessons depends on. Instants are aware; None is "without limit"."""

    enrollment_state: str
    expires_at: datetime | None
    run_state: str
    starts_at: datetime | None
    ends_at: datetime | None
    timezone: str

    def access(self, at: datetime) -> Access:
        """Return whether the lessons are open at that instant; a window's end no longer belongs to it."""
        if self.enrollment_state not in _LEARNING_STATES:
            return Access.NOT_ACTIVE
        if self.expires_at is not None and at >= self.expires_at:
            return Access.EXPIRED
        if self.run_state == "cancelled":
            return Access.CANCELLED
        if self.starts_at is not None and at < self.starts_at:
            return Access.NOT_STARTED
        if self.ends_at is not None and at >= self.ends_at:
            return Access.ENDED
        return Access.OPEN

    def require_open(self, at: datetime) -> None:
        """Raise the refusal that belongs to the access at that instant.

        Raises:
            EnrollmentNotActive, EnrollmentExpired, RunNotOpen: with the instants as facts.
        """
        found = self.access(at)
        if found is not Access.OPEN:
            raise self._refusal(found)

    def _refusal(self, access: Access) -> DomainError:
        if access is Access.NOT_ACTIVE:
            return EnrollmentNotActive(state=self.enrollment_state)
        if access is Access.EXPIRED:
            return EnrollmentExpired(expired_at=_text(self.expires_at), timezone=self.timezone)
        return RunNotOpen(
            reason=access,
            opens_at=_text(self.starts_at),
            closes_at=_text(self.ends_at),
            timezone=self.timezone,
        )


def _text(instant: datetime | None) -> str | None:
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z") if instant else None
