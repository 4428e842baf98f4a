"""Tickets run the tasks whose turn it is, as Celery would have; real worker processes included."""

import os
import signal
import time
import uuid
from typing import Any

import pytest
from celery import current_app
from django.conf import settings
from structlog.testing import capture_logs

from shared_apps.core.fair_queue import Swept, Task, client_of, fair_queue
from shared_apps.core.jobs import count_tickets, put_task, send_now
from tenants import tickets
from tenants.models import Organization
from tenants.tickets import serve_ticket, sweep_fair_queue
from tests.support.processes import wait_for
from tests.support.worker import drop_queues, working
from tests.support.worker_tasks import let_go, read_lines


@pytest.fixture(autouse=True)
def _empty_queues(db_or_committed: None) -> Any:
    yield
    drop_queues()


@pytest.fixture(autouse=True)
def _tickets_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a ticket served here stay until nothing is left, however slow the machine is."""
    monkeypatch.setattr(tickets, "_STAY_SECONDS", 600.0)


@pytest.fixture
def db_or_committed(request: pytest.FixtureRequest) -> None:
    """Stand in a transaction, unless the test asked for real commits."""
    request.getfixturevalue("committed" if "committed" in request.fixturenames else "shared")


def _serve() -> list[str]:
    return serve_ticket(uuid.uuid4().hex, worker="")


@pytest.mark.feature("OPS-02")
def test_a_ticket_runs_the_waiting_task_in_its_organization(acme: Organization) -> None:
    send_now("test.sleep", organization_id=acme.id, seconds=0, mark="one")
    assert _serve() == ["test.sleep"]
    assert [(line["event"], line["slug"], line["mark"]) for line in read_lines()] == [
        ("start", "acme", "one"),
        ("end", "acme", "one"),
    ]
    assert _serve() == []


@pytest.mark.parametrize("name", ["outbox.relay", "nothing.known"])
def test_no_task_of_the_platform_runs_by_a_ticket(name: str, acme: Organization) -> None:
    put_task(Task(name, str(acme.id), {}))
    with capture_logs() as logs:
        _serve()
    assert [(line["event"], line["job"]) for line in logs if line["log_level"] == "error"] == [
        ("task_unknown", name)
    ]


def test_a_task_that_names_no_organization_does_not_run(acme: Organization) -> None:
    put_task(Task("test.sleep", str(acme.id), {"seconds": 0}))
    _serve()
    assert read_lines() == []


def test_a_task_that_fails_gives_its_slot_back(acme: Organization) -> None:
    fair_queue().beat("w", slots=2)
    for _ in range(2):
        send_now("test.fails", organization_id=acme.id)
    assert _serve() == ["test.fails", "test.fails"]
    assert [line["event"] for line in read_lines()] == ["fails", "fails"]


def test_a_ticket_stays_a_while_and_asks_each_time_whose_turn_it_is(
    acme: Organization, globex: Organization
) -> None:
    for _ in range(3):
        send_now("test.sleep", organization_id=acme.id, seconds=0.01)
    send_now("test.sleep", organization_id=globex.id, seconds=0.01)
    _serve()
    slugs = [line["slug"] for line in read_lines() if line["event"] == "start"]
    assert slugs[:2] in (["acme", "globex"], ["globex", "acme"])
    assert sorted(slugs) == ["acme", "acme", "acme", "globex"]


def test_a_ticket_leaves_in_time_and_sends_another(
    acme: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        send_now("test.sleep", organization_id=acme.id, seconds=0)
    with current_app.connection_for_write() as connection:
        current_app.amqp.queues[settings.TENANT_QUEUE](connection.default_channel).purge()
    fair_queue().sweep(tickets_there=0)
    monkeypatch.setattr(tickets, "_STAY_SECONDS", 0.0)
    assert _serve() == ["test.sleep"]
    assert count_tickets() >= 1


@pytest.mark.feature("OPS-02")
def test_a_retry_waits_in_the_queue_of_its_organization(acme: Organization) -> None:
    send_now("test.again", organization_id=acme.id, mark="an hour", wait_seconds=3600)
    send_now("test.again", organization_id=acme.id, mark="soon", wait_seconds=0.1)

    def tried() -> list[tuple[str, int, str]]:
        _serve()
        return [(line["mark"], line["retries"], line["slug"]) for line in read_lines()]

    # each is tried, and the one whose time comes is tried twice more
    wait_for(lambda: len(tried()) == 4)
    assert sorted(tried()) == [
        ("an hour", 0, "acme"),
        ("soon", 0, "acme"),
        ("soon", 1, "acme"),
        ("soon", 2, "acme"),
    ]
    time.sleep(0.25)
    assert len(tried()) == 4  # its two retries are spent


def test_the_sweep_sends_lost_tickets_and_takes_over_weights(acme: Organization) -> None:
    acme.queue_weight = 7
    acme.save_fields("queue_weight")
    for _ in range(3):
        send_now("test.sleep", organization_id=acme.id, seconds=0)
    with current_app.connection_for_write() as connection:
        current_app.amqp.queues[settings.TENANT_QUEUE](connection.default_channel).purge()
    assert count_tickets() == 0
    assert sweep_fair_queue().tickets == 3
    assert count_tickets() == 3
    weights = client_of(settings.FAIR_QUEUE_URL).hgetall(fair_queue().key("weight"))
    assert weights == {str(acme.id): "7"}


def test_with_valkey_away_a_task_goes_to_the_broker_itself(acme: Organization, settings: Any) -> None:
    settings.FAIR_QUEUE_URL = "redis://127.0.0.1:1/0"
    assert send_now("test.sleep", organization_id=acme.id, seconds=0) is True
    assert count_tickets() == 1


def test_with_both_away_nothing_is_raised(acme: Organization, settings: Any, monkeypatch: Any) -> None:
    def refuse(*arguments: Any, **options: Any) -> None:
        raise ConnectionRefusedError

    settings.FAIR_QUEUE_URL = "redis://127.0.0.1:1/0"
    monkeypatch.setattr("celery.current_app.send_task", refuse)
    with capture_logs() as logs:
        assert send_now("test.sleep", organization_id=acme.id, seconds=0) is False
    assert logs[-1]["event"] == "job_not_sent"


@pytest.mark.feature("OPS-02", "M12")
@pytest.mark.slow
def test_long_tasks_of_one_organization_do_not_block_every_slot(
    committed: None, acme: Organization, globex: Organization
) -> None:
    # given a worker with two slots and more tasks of one organization than slots, which do not end
    with working(slots=2):
        wait_for(lambda: client_of(settings.FAIR_QUEUE_URL).hlen(fair_queue().key("slots")) == 1)
        for number in range(4):
            send_now("test.held", organization_id=acme.id, mark=str(number))
        wait_for(lambda: len(read_lines()) == 1 and count_tickets() == 0)
        # when another organization asks
        send_now("test.sleep", organization_id=globex.id, seconds=0)
        # then it waits for none of them, and the first goes on after
        wait_for(lambda: len(read_lines()) == 3)
        assert [(line["event"], line["slug"]) for line in read_lines()] == [
            ("start", "acme"),
            ("start", "globex"),
            ("end", "globex"),
        ]
        let_go()
        wait_for(lambda: sum(line["event"] == "end" for line in read_lines()) == 5)


@pytest.mark.feature("OPS-02")
@pytest.mark.slow
def test_a_killed_process_loses_no_task(committed: None, acme: Organization) -> None:
    with working(slots=2):
        send_now("test.held", organization_id=acme.id, mark="killed")
        wait_for(lambda: len(read_lines()) == 1)
        os.kill(read_lines()[0]["process"], signal.SIGKILL)
        wait_for(lambda: len(read_lines()) == 2)
        let_go()
        wait_for(lambda: len(read_lines()) == 3)
        first, second, third = read_lines()
        assert (first["event"], second["event"], third["event"]) == ("start", "start", "end")
        assert first["process"] != second["process"]


@pytest.mark.feature("OPS-02")
@pytest.mark.slow
def test_a_worker_killed_whole_loses_no_task(
    committed: None, acme: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a worker that is killed with a task
    with working(slots=1, name="restarted"):
        send_now("test.held", organization_id=acme.id, mark="lost")
        wait_for(lambda: len(read_lines()) == 1)
    # when it is started again under its name, and the sweep comes after the silence
    with working(slots=1, name="restarted"):
        found: list[Swept] = []

        def sweep() -> bool:
            found.append(fair_queue().sweep(tickets_there=count_tickets(), silence_seconds=3))
            return found[-1].taken_back > 0

        wait_for(sweep)
        assert (found[-1].taken_back, found[-1].tickets) == (1, 1)
        current_app.send_task("tenants.ticket", queue=settings.TENANT_QUEUE)
        # then the task starts again
        wait_for(lambda: len(read_lines()) == 2)


@pytest.mark.feature("OPS-02")
@pytest.mark.slow
def test_a_worker_that_is_asked_to_stop_keeps_its_task_until_the_end(
    committed: None, acme: Organization
) -> None:
    with working(slots=1) as worker:
        send_now("test.held", organization_id=acme.id, mark="last")
        wait_for(lambda: len(read_lines()) == 1)
        # when it is stopped as a deployment does, then it goes on to say that it lives
        worker.terminate()
        asked = _last_sign_of_life()
        wait_for(lambda: _last_sign_of_life() > asked + 3)
        assert [line["event"] for line in read_lines()] == ["start"]
        # and a sweep after such a silence takes nothing from it
        assert fair_queue().sweep(tickets_there=count_tickets(), silence_seconds=3).taken_back == 0
        # and it ends its task, which nobody has run besides, and is gone
        let_go()
        worker.wait(timeout=60)
        assert [line["event"] for line in read_lines()] == ["start", "end"]


def _last_sign_of_life() -> float:
    """Return the second at which the one worker last said that it lives."""
    signs: Any = client_of(settings.FAIR_QUEUE_URL).zrange(fair_queue().key("workers"), 0, 0, withscores=True)
    return float(signs[0][1])
