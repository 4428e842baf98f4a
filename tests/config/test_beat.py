"""What beat sends does not pile up where no worker takes it."""

from typing import Any

from celery import current_app
from celery.beat import ScheduleEntry
from django.conf import settings


def test_a_bell_nobody_heard_is_void_before_many_are_waiting() -> None:
    bells: dict[str, Any] = settings.CELERY_BEAT_SCHEDULE
    entries: list[Any] = [ScheduleEntry(name=name, app=current_app, **entry) for name, entry in bells.items()]
    apart = [_seconds(entry) for entry in entries]
    expires = [entry.options["expires"] for entry in entries]
    assert max(void / every for void, every in zip(expires, apart, strict=True)) <= 60
    # Each is heard when it comes late by its own period, and by minutes: clocks differ.
    assert all(void >= max(every, 300) for void, every in zip(expires, apart, strict=True))


def _seconds(entry: Any) -> float:
    """Return how far apart a bell's moments are."""
    schedule: Any = entry.schedule
    if hasattr(schedule, "run_every"):
        return float(schedule.run_every.total_seconds())
    assert len(schedule.minute) == 1
    return {24: 3600.0, 1: 86_400.0}[len(schedule.hour)]
