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

from shared_apps.core.fair_queue import Task, client_of, fair_queue
from shared_apps.core.jobs import count_tickets, put_task, send_now
from tenants.models import Organization
from tenants.tickets import serve_ticket, sweep_fair_queue
from tests.support.worker import wait_for, working
from tests.support.worker_tasks import read_lines


@pytest.fixture(autouse=True)
def _empty_queues(db_or_committed: None) -> Any:
    yield
    with current_app.connection_for_write() as connection:
        for name in (settings.TENANT_QUEUE, settings.PLATFORM_QUEUE):
            current_app.amqp.queues[name](connection.default_channel).queue_declare()
            current_app.amqp.queues[name](connection.default_channel).purge()
    client = client_of(settings.FAIR_QUEUE_URL)
    keys = list(client.scan_iter(match=f"{settings.FAIR_QUEUE_PREFIX}*", count=1000))
    if keys:
        client.delete(*keys)


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


def test_a_ticket_leaves_in_time_and_sends_another(acme: Organization) -> None:
    for _ in range(3):
        send_now("test.sleep", organization_id=acme.id, seconds=1.1)
    with current_app.connection_for_write() as connection:
        current_app.amqp.queues[settings.TENANT_QUEUE](connection.default_channel).purge()
    fair_queue().sweep(tickets_there=0)
    assert _serve() == ["test.sleep", "test.sleep"]
    assert count_tickets() >= 1


@pytest.mark.feature("OPS-02")
def test_a_retry_waits_in_the_queue_of_its_organization(acme: Organization) -> None:
    send_now("test.again", organization_id=acme.id, mark="x")
    _serve()
    assert _serve() == []  # not due yet
    for _ in range(2):
        time.sleep(0.25)
        _serve()
    assert [(line["retries"], line["slug"]) for line in read_lines()] == [
        (0, "acme"),
        (1, "acme"),
        (2, "acme"),
    ]
    time.sleep(0.25)
    assert _serve() == []  # its two retries are spent


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
    # given a worker with two slots and more long tasks of one organization than slots
    with working(slots=2):
        wait_for(lambda: client_of(settings.FAIR_QUEUE_URL).hlen(fair_queue().key("slots")) == 1)
        for number in range(4):
            send_now("test.sleep", organization_id=acme.id, seconds=1.5, mark=str(number))
        wait_for(lambda: len(read_lines()) == 1)
        time.sleep(0.3)
        # when another organization asks
        asked = time.time()
        send_now("test.sleep", organization_id=globex.id, seconds=0)
        wait_for(lambda: any(line["slug"] == "globex" for line in read_lines()))
        # then it waits for none of them, and the first goes on after
        first = next(line for line in read_lines() if line["slug"] == "globex")
        assert first["at"] - asked < 0.5
        wait_for(lambda: sum(line["event"] == "end" for line in read_lines()) == 5)


@pytest.mark.feature("OPS-02")
@pytest.mark.slow
def test_a_killed_process_loses_no_task(committed: None, acme: Organization) -> None:
    with working(slots=2):
        send_now("test.sleep", organization_id=acme.id, seconds=1, mark="killed")
        wait_for(lambda: len(read_lines()) == 1)
        os.kill(read_lines()[0]["process"], signal.SIGKILL)
        wait_for(lambda: len(read_lines()) == 3, seconds=15)
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
        send_now("test.sleep", organization_id=acme.id, seconds=30, mark="lost")
        wait_for(lambda: len(read_lines()) == 1)
    # when it is started again under its name, and the sweep comes after the silence
    with working(slots=1, name="restarted"):
        time.sleep(3.2)  # the new one says every two seconds that it lives
        swept = fair_queue().sweep(tickets_there=count_tickets(), silence_seconds=3)
        assert (swept.taken_back, swept.tickets) == (1, 1)
        current_app.send_task("tenants.ticket", queue=settings.TENANT_QUEUE)
        # then the task starts again
        wait_for(lambda: len(read_lines()) == 2)


@pytest.mark.feature("OPS-02")
@pytest.mark.slow
def test_a_worker_that_is_asked_to_stop_keeps_its_task_until_the_end(
    committed: None, acme: Organization
) -> None:
    with working(slots=1) as worker:
        send_now("test.sleep", organization_id=acme.id, seconds=8, mark="last")
        wait_for(lambda: len(read_lines()) == 1)
        # when it is stopped as a deployment does, and the sweep comes after the silence
        worker.terminate()
        time.sleep(5.2)
        assert [line["event"] for line in read_lines()] == ["start"]
        assert fair_queue().sweep(tickets_there=count_tickets(), silence_seconds=3).taken_back == 0
        # then it ends its task, which nobody has run besides, and is gone
        worker.wait(timeout=15)
        assert [line["event"] for line in read_lines()] == ["start", "end"]
