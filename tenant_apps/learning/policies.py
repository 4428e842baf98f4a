"""Who may learn, and when: one function decides access to the lessons of an enrollment and says why."""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from shared_apps.core.actors import EVERYONE
from shared_apps.core.errors import DomainError
from shared_apps.core.policies import Rule, declare
from tenant_apps.learning.errors import EnrollmentExpired, EnrollmentNotActive, RunNotOpen, SeatNeeded

LEARN = declare(Rule("learning.learn", roles=EVERYONE))

# A finished course stays open until its run ends; a pending enrollment becomes active by the first step.
_LEARNING_STATES = frozenset({"pending", "active", "completed"})

# Whether a seat is missing, for the statements that read terms; the names `organization` and `member` are
# theirs to give. An organization that never had a subscription tries the product without seats. A canceled
# one still counts, and its seats were revoked with it. Neither part looks at the row beside it, so each runs
# once for a statement, and the second only for whoever holds no seat.
SEAT_MISSING = """
       NOT EXISTS (SELECT 1 FROM billing_seatassignment seat
                    WHERE seat.membership_id = %(member)s AND seat.organization_id = %(organization)s
                      AND seat.state <> 'revoked')
       AND EXISTS (SELECT 1 FROM billing_subscription WHERE organization_id = %(organization)s)"""


class Access(StrEnum):
    """Whether the lessons can be opened now, or why not."""

    OPEN = "open"
    NOT_ACTIVE = "not_active"
    EXPIRED = "expired"
    NOT_STARTED = "not_started"
    ENDED = "ended"
    CANCELLED = "cancelled"
    SEAT_NEEDED = "seat_needed"


@dataclass(frozen=True, slots=True)
class Terms:
    """What access to an enrollment's lessons depends on. Instants are aware; None is "without limit".

    Attributes:
        seat_missing: learning takes a seat here, and the learner holds none; see `SEAT_MISSING`.
    """

    enrollment_state: str
    expires_at: datetime | None
    run_state: str
    starts_at: datetime | None
    ends_at: datetime | None
    timezone: str
    seat_missing: bool

    def access(self, at: datetime) -> Access:
        """Return whether the lessons are open at that instant; a window's end no longer belongs to it.

        The seat comes last: whoever gets one after this answer finds the lessons open.
        """
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
        if self.seat_missing:
            return Access.SEAT_NEEDED
        return Access.OPEN

    def require_open(self, at: datetime) -> None:
        """Raise the refusal that belongs to the access at that instant.

        Raises:
            EnrollmentNotActive, EnrollmentExpired, RunNotOpen: with the instants as facts.
            SeatNeeded: nothing else is in the way.
        """
        found = self.access(at)
        if found is not Access.OPEN:
            raise self._refusal(found)

    def _refusal(self, access: Access) -> DomainError:
        if access is Access.NOT_ACTIVE:
            return EnrollmentNotActive(state=self.enrollment_state)
        if access is Access.EXPIRED:
            return EnrollmentExpired(expired_at=_text(self.expires_at), timezone=self.timezone)
        if access is Access.SEAT_NEEDED:
            return SeatNeeded()
        return RunNotOpen(
            reason=access,
            opens_at=_text(self.starts_at),
            closes_at=_text(self.ends_at),
            timezone=self.timezone,
        )


def _text(instant: datetime | None) -> str | None:
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z") if instant else None
