"""Delivery at least once: a lease, repeats with growing waits, an end."""

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from shared_apps.core import clock
from shared_apps.outbox import types
from shared_apps.outbox.models import OutboxMessage
from shared_apps.outbox.services.delivery import MOST_ATTEMPTS, relay, wait_after
from shared_apps.outbox.services.messages import Message, do_send
from shared_apps.outbox.types import Outgoing, Undeliverable, register_handler
from tenants.context import current_organization_or_none, in_public
from tenants.enums import OrganizationState
from tenants.models import Organization
from tests.support.measures import run_together

NOW = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _own_register(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(types, "_handlers", {})


def _send(topic: str, *payloads: dict[str, Any], organization: Organization | None = None) -> None:
    with transaction.atomic():
        do_send(
            [Message(topic, dict(payload)) for payload in payloads],
            organization_id=organization.id if organization else None,
        )


def test_messages_arrive_in_order_once_and_are_marked(shared: None) -> None:
    seen: list[int] = []
    register_handler("test.number", lambda message: seen.append(message.payload["n"]))
    with clock.frozen_at(NOW):
        _send("test.number", {"n": 1}, {"n": 2}, {"n": 3})
        assert relay(batch=2) == 2
        assert relay(batch=2) == 1
        assert relay(batch=2) == 0
    assert seen == [1, 2, 3]
    assert set(OutboxMessage.objects.values_list("delivered_at", "attempts", "last_error")) == {(NOW, 1, "")}


def test_a_handler_runs_in_the_organization_of_its_message(acme: Organization, globex: Organization) -> None:
    seen: list[str | None] = []

    def note(message: Outgoing) -> None:
        here = current_organization_or_none()
        seen.append(here.slug if here else None)

    register_handler("test.where", note)
    _send("test.where", {}, organization=acme)
    _send("test.where", {})
    _send("test.where", {}, organization=globex)
    relay()
    assert seen == ["acme", None, "globex"]


def test_a_failure_waits_longer_each_time_and_ends_after_ten_tries(shared: None) -> None:
    tries: list[datetime] = []

    def fail(message: Outgoing) -> None:
        tries.append(clock.now())
        raise OSError("the receiver is away")

    register_handler("test.fails", fail)
    now = NOW
    with clock.frozen_at(now):
        _send("test.fails", {})
    for _ in range(40):
        with clock.frozen_at(now):
            relay()
        row = OutboxMessage.objects.get()
        if row.given_up_at:
            break
        now = max(now, row.available_at)
    assert len(tries) == MOST_ATTEMPTS
    waits = [(later - earlier).total_seconds() for earlier, later in itertools.pairwise(tries)]
    assert 8 <= waits[0] <= 12
    assert 24 <= waits[1] <= 36
    assert waits[-1] <= 6 * 3600 * 1.2
    assert row.last_error == "OSError: the receiver is away"
    with clock.frozen_at(now + timedelta(days=30)):
        assert relay() == 0


def test_undeliverable_is_given_up_at_once(shared: None) -> None:
    def refuse(message: Outgoing) -> None:
        raise Undeliverable("no such address")

    register_handler("test.refused", refuse)
    with clock.frozen_at(NOW):
        _send("test.refused", {"secret": True, "context": {"link": "https://x/secret"}})
        relay()
    row = OutboxMessage.objects.get()
    assert (row.given_up_at, row.attempts) == (NOW, 1)
    assert row.payload == {"secret": True, "template": ""}


def test_one_bad_message_does_not_hold_up_the_others(shared: None) -> None:
    seen: list[int] = []

    def pick(message: Outgoing) -> None:
        if message.payload["n"] == 1:
            raise ValueError("bad")
        seen.append(message.payload["n"])

    register_handler("test.mixed", pick)
    _send("test.mixed", {"n": 1}, {"n": 2})
    relay()
    assert seen == [2]


def test_a_topic_nobody_knows_waits_but_an_event_nobody_hears_is_done(shared: None) -> None:
    _send("test.unknown", {})
    _send("event.course_published", {})
    relay()
    unknown, event = OutboxMessage.objects.all()
    assert unknown.delivered_at is None
    assert unknown.last_error == "UnknownTopic: test.unknown"
    assert event.delivered_at is not None


def test_a_second_handler_of_a_topic_is_refused_unless_it_is_an_event(shared: None) -> None:
    register_handler("test.one", lambda message: None)
    with pytest.raises(ValueError, match=r"test\.one has a handler"):
        register_handler("test.one", lambda message: None)
    heard: list[str] = []
    register_handler("event.done", lambda message: heard.append("first"))
    register_handler("event.done", lambda message: heard.append("second"))
    _send("event.done", {})
    relay()
    assert heard == ["first", "second"]


def test_messages_of_a_suspended_organization_wait_of_a_deleted_one_end(
    acme: Organization, globex: Organization
) -> None:
    register_handler("test.tenant", lambda message: None)
    Organization.objects.filter(pk=acme.pk).update(state=OrganizationState.SUSPENDED)
    Organization.objects.filter(pk=globex.pk).update(state=OrganizationState.DELETED)
    _send("test.tenant", {}, organization=acme)
    _send("test.tenant", {}, organization=globex)
    relay()
    suspended, deleted = OutboxMessage.objects.all()
    assert (suspended.given_up_at, suspended.last_error) == (None, "OrganizationNotOpen: suspended")
    assert deleted.given_up_at is not None


def test_messages_of_an_organization_suspended_for_weeks_are_delivered_when_it_is_open_again(
    acme: Organization,
) -> None:
    heard: list[int] = []
    register_handler("test.tenant", lambda message: heard.append(message.attempts))
    with clock.frozen_at(NOW):
        _send("test.tenant", {}, organization=acme)
    Organization.objects.filter(pk=acme.pk).update(state=OrganizationState.SUSPENDED)
    for day in range(21):
        with clock.frozen_at(NOW + timedelta(days=day)):
            relay()
    assert heard == []
    Organization.objects.filter(pk=acme.pk).update(state=OrganizationState.ACTIVE)
    with clock.frozen_at(NOW + timedelta(days=21)):
        relay()
    assert heard == [1]
    assert OutboxMessage.objects.get().delivered_at is not None


@pytest.mark.feature("OPS-02")
def test_a_relay_killed_while_delivering_loses_nothing(shared: None) -> None:
    seen: list[int] = []

    def die_once(message: Outgoing) -> None:
        seen.append(message.payload["n"])
        if len(seen) == 1:
            raise SystemExit  # what a killed worker looks like from inside: nothing after it runs

    register_handler("test.kill", die_once)
    with clock.frozen_at(NOW):
        _send("test.kill", {"n": 1}, {"n": 2})
        with pytest.raises(SystemExit):
            relay()
        assert relay() == 0  # under lease
    with clock.frozen_at(NOW + timedelta(seconds=61)):
        assert relay() == 2
    assert seen == [1, 1, 2]
    assert OutboxMessage.objects.filter(delivered_at__isnull=False).count() == 2


def test_a_message_that_kills_every_relay_is_given_up(shared: None) -> None:
    def die(message: Outgoing) -> None:
        raise SystemExit

    register_handler("test.poison", die)
    with clock.frozen_at(NOW):
        _send("test.poison", {})
    for minute in range(MOST_ATTEMPTS):
        with clock.frozen_at(NOW + timedelta(minutes=2 * minute)), pytest.raises(SystemExit):
            relay()
    with clock.frozen_at(NOW + timedelta(hours=2)):
        assert relay() == 1
    row = OutboxMessage.objects.get()
    assert row.given_up_at == NOW + timedelta(hours=2)
    assert row.last_error == "Undeliverable: its relay was lost at every try"


def test_waits_stay_between_their_bounds() -> None:
    for attempts in range(1, MOST_ATTEMPTS + 1):
        middle = min(6 * 3600, 10 * 3 ** (attempts - 1))
        assert 0.8 * middle <= wait_after(attempts).total_seconds() <= 1.2 * middle


@pytest.mark.feature("OPS-02")
def test_parallel_relays_deliver_each_message_once(committed: None) -> None:
    seen: list[int] = []
    register_handler("test.parallel", lambda message: seen.append(message.payload["n"]))
    _send("test.parallel", *[{"n": number} for number in range(300)])

    def work() -> None:
        try:
            with in_public():
                while relay(batch=7):
                    pass
        finally:
            connection.close()

    run_together([work] * 4)
    assert sorted(seen) == list(range(300))
    assert OutboxMessage.objects.filter(delivered_at__isnull=True).count() == 0
