"""Periodic work of every organization, spread by its id: two thousand do not all start at midnight.

An app registers a timer in `AppConfig.ready`; each organization's moment in the period is told by a hash of
its id and the timer's name, always the same. `shared_apps.usage.services.ticking` calls those that are due.
"""

import hashlib
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Timer:
    """Work that every organization does once in each period.

    Attributes:
        task: registered name of an OrganizationTask that takes no arguments; safe to run twice.
        period: an organization's moments are this far apart.
        starts: of the window in the period, counted in UTC from midnight for a period of a day.
        window: length of the stretch over which the organizations are spread.
    """

    task: str
    period: timedelta
    starts: timedelta
    window: timedelta

    def offset(self, organization_id: uuid.UUID) -> float:
        """Return the organization's moment, in seconds from the start of the period."""
        digest = hashlib.blake2b(self.task.encode() + organization_id.bytes, digest_size=8).digest()
        share = int.from_bytes(digest) / 2**64
        return self.starts.total_seconds() + share * self.window.total_seconds()

    def is_due(self, organization_id: uuid.UUID, after: datetime, until: datetime) -> bool:
        """Tell whether the organization has a moment later than `after` and not later than `until`. Where it
        has several, because nobody looked for long, they are one."""
        offset, period = self.offset(organization_id), self.period.total_seconds()
        return (until.timestamp() - offset) // period > (after.timestamp() - offset) // period


_timers: dict[str, Timer] = {}


def register_timer(timer: Timer) -> None:
    """Call the timer's task for every organization from now on.

    Raises:
        ValueError: the task has a timer, or its window does not fit into the period.
    """
    if timer.task in _timers or timer.window <= timedelta(0) or timer.starts + timer.window > timer.period:
        raise ValueError(f"the timer of {timer.task} is registered twice, or longer than its period")
    _timers[timer.task] = timer


def all_timers() -> list[Timer]:
    """Return the registered timers."""
    return list(_timers.values())
