"""Call the organizations whose moment has come."""

import uuid
from datetime import datetime, timedelta

import structlog
from django.db.models import Q

from shared_apps.core import clock
from shared_apps.core.jobs import send_now
from shared_apps.usage.models import TimerState
from tenants.selectors.organizations import open_organization_ids
from tenants.timers import Timer, all_timers

log = structlog.get_logger(__name__)

_TAKEN = timedelta(minutes=5)


def tick() -> int:
    """Call every organization whose moment came since the last tick; return how many calls that were.

    A tick that was missed is made up by the next: what is due is told by what was done, not by the clock.
    Each organization is called once in each period; twice only where a process dies between its call and the
    note of it.
    """
    ids = open_organization_ids()
    return sum(_tick(timer, ids) for timer in all_timers())


def _tick(timer: Timer, ids: list[uuid.UUID]) -> int:
    now = clock.now()
    state, is_new = TimerState.objects.get_or_create(name=timer.task, defaults={"done_until": now})
    if is_new or not _take(state, now):
        return 0
    # One that took too long was taken over: what the later tick noted stands.
    mine = TimerState.objects.filter(name=timer.task, taken_until=now + _TAKEN)
    due = [identifier for identifier in ids if timer.is_due(identifier, state.done_until, now)]
    called = 0
    for identifier in due:
        # With the broker away nothing is noted, and the next tick calls all of them.
        if not send_now(timer.task, organization_id=identifier):
            log.warning("timer_not_called", timer=timer.task, due=len(due))
            mine.update(taken_until=None, updated_at=now)
            return called
        called += 1
    mine.update(done_until=now, taken_until=None, updated_at=now)
    return called


def _take(state: TimerState, now: datetime) -> bool:
    free = Q(taken_until__isnull=True) | Q(taken_until__lt=now)
    same = TimerState.objects.filter(free, name=state.name, done_until=state.done_until)
    return same.update(taken_until=now + _TAKEN, updated_at=now) == 1
