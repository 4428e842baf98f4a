"""Timers call every open organization once a period, also when ticks are missed or calls fail."""

import uuid
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared_apps.core.clock import frozen_at
from shared_apps.usage.models import TimerState
from shared_apps.usage.services import ticking
from shared_apps.usage.services.ticking import tick
from tenants import timers
from tenants.enums import OrganizationState
from tenants.models import Organization
from tenants.timers import Timer, register_timer

START = datetime(2026, 5, 4, tzinfo=UTC)
TIMER = Timer("test.nightly", timedelta(days=1), starts=timedelta(hours=1), window=timedelta(hours=4))


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> list[uuid.UUID]:
    """Collect the calls of one registered timer (the sending itself is tested with the fair queue)."""
    calls: list[uuid.UUID] = []

    def note(name: str, *, organization_id: uuid.UUID, **arguments: Any) -> bool:
        calls.append(organization_id)
        return True

    monkeypatch.setattr(timers, "_timers", {})
    monkeypatch.setattr(ticking, "send_now", note)
    register_timer(TIMER)
    return calls


def _ticks(start: datetime, end: datetime, step: timedelta) -> None:
    while start <= end:
        with frozen_at(start):
            tick()
        start += step


@pytest.mark.feature("OPS-02")
def test_each_organization_is_called_once_a_night(
    acme: Organization, globex: Organization, called: list[uuid.UUID]
) -> None:
    _ticks(START, START + timedelta(days=2), timedelta(minutes=10))
    assert Counter(called) == {acme.id: 2, globex.id: 2}


@pytest.mark.feature("OPS-02")
def test_a_missed_night_is_made_up_once(
    acme: Organization, globex: Organization, called: list[uuid.UUID]
) -> None:
    _ticks(START, START, timedelta(minutes=1))
    _ticks(START + timedelta(days=3), START + timedelta(days=3, minutes=5), timedelta(minutes=1))
    assert Counter(called) == {acme.id: 1, globex.id: 1}


def test_a_closed_organization_is_left_alone(
    acme: Organization, globex: Organization, called: list[uuid.UUID]
) -> None:
    acme.state = OrganizationState.SUSPENDED
    acme.save_fields("state")
    _ticks(START, START + timedelta(days=1), timedelta(hours=1))
    assert called == [globex.id]


def test_a_call_that_could_not_be_sent_is_sent_by_the_next_tick(
    acme: Organization, globex: Organization, called: list[uuid.UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    with frozen_at(START):
        tick()
    with monkeypatch.context() as away, frozen_at(START + timedelta(hours=6)):
        away.setattr(ticking, "send_now", lambda *arguments, **named: False)
        assert tick() == 0
    with frozen_at(START + timedelta(hours=6, minutes=1)):
        assert tick() == 2
    assert Counter(called) == {acme.id: 1, globex.id: 1}


def test_two_ticks_at_once_call_once(acme: Organization, called: list[uuid.UUID]) -> None:
    with frozen_at(START):
        tick()
    TimerState.objects.update(taken_until=START + timedelta(hours=7))
    with frozen_at(START + timedelta(hours=6)):
        assert tick() == 0
    with frozen_at(START + timedelta(hours=8)):  # whoever had it is dead
        assert tick() == 2


def test_a_tick_that_was_taken_over_does_not_put_the_later_ones_note_back(
    acme: Organization, globex: Organization, called: list[uuid.UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a tick that hangs in its first call until another has come after the time it may take
    _ticks(START, START, timedelta(minutes=1))
    later = START + timedelta(days=1, minutes=6)

    def hang(name: str, *, organization_id: uuid.UUID, **arguments: Any) -> bool:
        monkeypatch.setattr(ticking, "send_now", lambda name, **arguments: True)
        with frozen_at(later):
            tick()
        return True

    monkeypatch.setattr(ticking, "send_now", hang)
    with frozen_at(START + timedelta(days=1)):
        tick()
    # then what the other noted stands
    state = TimerState.objects.get()
    assert (state.done_until, state.taken_until) == (later, None)
