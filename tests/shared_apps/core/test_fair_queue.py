"""Whose turn it is: shares by weight, nobody holds every slot, nothing lost with a worker."""

import time
import uuid
from collections import Counter
from collections.abc import Iterator

import pytest
from django.conf import settings

from shared_apps.core.fair_queue import MOST_TRIES, FairQueue, Task, client_of

A, B, C = (str(uuid.UUID(int=number)) for number in (1, 2, 3))
WORKER = "worker@test"


@pytest.fixture
def queue() -> Iterator[FairQueue]:
    """A queue of its own in the tests' Valkey, empty."""
    prefix = f"{settings.FAIR_QUEUE_PREFIX}unit:"
    client = client_of(settings.FAIR_QUEUE_URL)
    yield FairQueue(client, prefix, 1)
    keys = list(client.scan_iter(match=f"{prefix}*", count=1000))
    if keys:
        client.delete(*keys)


def _put(queue: FairQueue, organization: str, number: int, name: str = "test.work") -> None:
    for place in range(number):
        queue.put(Task(name, organization, {"place": place}))


def _serve(queue: FairQueue, seconds: float = 0.02, ticket: str | None = None) -> str | None:
    """Take and end one task; return its organization."""
    ticket = ticket or uuid.uuid4().hex
    taken = queue.take(ticket, worker=WORKER, longest_seconds=60)
    if taken.task is None:
        return None
    queue.release(ticket, seconds=seconds)
    return taken.task.organization_id


@pytest.mark.feature("OPS-02", "M12")
def test_the_next_task_of_a_quiet_organization_comes_before_the_flood(queue: FairQueue) -> None:
    _put(queue, A, 1000)
    [_serve(queue) for _ in range(10)]
    _put(queue, B, 1)
    assert _serve(queue) == B
    assert queue.count_waiting(uuid.UUID(A)) == 990


def test_tasks_of_one_organization_run_in_the_order_they_came(queue: FairQueue) -> None:
    _put(queue, A, 3)
    places = []
    for number in range(3):
        taken = queue.take(f"t{number}", worker=WORKER, longest_seconds=60)
        assert taken.task is not None
        places.append(taken.task.kwargs["place"])
        queue.release(f"t{number}", seconds=0.01)
    assert places == [0, 1, 2]


@pytest.mark.feature("OPS-02")
def test_worker_time_is_shared_by_weight(queue: FairQueue) -> None:
    queue.set_weights({uuid.UUID(A): 3})
    _put(queue, A, 400)
    _put(queue, B, 400)
    assert Counter(_serve(queue) for _ in range(200)) == {A: 150, B: 50}


def test_who_runs_long_tasks_gets_fewer_turns(queue: FairQueue) -> None:
    """Both get the same time: B's tasks are four times as long."""
    _put(queue, A, 400)
    _put(queue, B, 400)
    turns: Counter[str] = Counter()
    for number in range(250):
        taken = queue.take(f"t{number}", worker=WORKER, longest_seconds=60)
        assert taken.task is not None
        owner = taken.task.organization_id
        turns[owner] += 1
        queue.release(f"t{number}", seconds=0.01 if owner == A else 0.04)
    assert 3.8 <= turns[A] / turns[B] <= 4.2


def test_a_rest_brings_no_credit(queue: FairQueue) -> None:
    """A was away while B ran 100 tasks; coming back they take turns at once."""
    _put(queue, A, 1)
    assert _serve(queue) == A
    _put(queue, B, 200)
    [_serve(queue) for _ in range(100)]
    _put(queue, A, 50)
    assert Counter(_serve(queue) for _ in range(40)) == {A: 21, B: 19}  # A starts where B last did


@pytest.mark.feature("OPS-02")
def test_no_organization_holds_the_last_slot(queue: FairQueue) -> None:
    # given two slots, and long tasks of A
    queue.beat(WORKER, slots=2)
    _put(queue, A, 5)
    assert queue.take("first", worker=WORKER, longest_seconds=60).task is not None
    # when the second slot asks, then it is kept for others
    assert queue.take("second", worker=WORKER, longest_seconds=60).task is None
    _put(queue, B, 1)
    other = queue.take("third", worker=WORKER, longest_seconds=60)
    assert other.task is not None
    assert other.task.organization_id == B
    # and the end of A's task calls for the next
    assert queue.release("first", seconds=30) is True
    again = queue.take("fourth", worker=WORKER, longest_seconds=60)
    assert again.task is not None
    assert again.task.organization_id == A


def test_with_one_slot_everybody_still_works(queue: FairQueue) -> None:
    queue.beat(WORKER, slots=1)
    _put(queue, A, 2)
    assert [_serve(queue), _serve(queue), _serve(queue)] == [A, A, None]


def test_being_passed_over_brings_no_credit(queue: FairQueue) -> None:
    queue.beat(WORKER, slots=2)
    _put(queue, A, 300)
    _put(queue, B, 300)
    assert queue.take("held", worker=WORKER, longest_seconds=60).task is not None
    [_serve(queue) for _ in range(100)]
    queue.release("held", seconds=0.02)
    assert Counter(_serve(queue) for _ in range(40))[A] in {20, 21}


def test_tickets_stay_few_however_much_is_put(queue: FairQueue) -> None:
    sent = sum(queue.put(Task("test.work", A, {})) for _ in range(500))
    assert sent == 32


@pytest.mark.feature("OPS-02")
def test_a_ticket_that_comes_again_finds_its_task(queue: FairQueue) -> None:
    """A killed process gives its ticket back; until then nobody else runs the task."""
    _put(queue, A, 1)
    first = queue.take("same", worker=WORKER, longest_seconds=60)
    assert _serve(queue) is None
    second = queue.take("same", worker=WORKER, longest_seconds=60)
    assert (first.task, first.tries, second.task, second.tries) == (second.task, 1, first.task, 2)
    queue.release("same", seconds=0.1)
    assert queue.take("same", worker=WORKER, longest_seconds=60).task is None


def test_a_task_that_kills_its_workers_is_given_up(queue: FairQueue) -> None:
    _put(queue, A, 1)
    tries = [queue.take("same", worker=WORKER, longest_seconds=60) for _ in range(MOST_TRIES + 1)]
    assert [taken.is_spent for taken in tries] == [False] * MOST_TRIES + [True]
    assert queue.take("same", worker=WORKER, longest_seconds=60).task is None


@pytest.mark.feature("OPS-02")
def test_what_a_silent_worker_had_taken_is_run_by_another(queue: FairQueue) -> None:
    _put(queue, A, 2)
    lost = queue.take("lost", worker="gone@test", longest_seconds=60)
    assert queue.sweep(tickets_there=2).taken_back == 0  # it may just have started
    time.sleep(1.1)
    queue.beat(WORKER, slots=1)
    swept = queue.sweep(tickets_there=0, silence_seconds=1)
    assert (swept.taken_back, swept.tickets, swept.given_up) == (1, 2, [])
    again = queue.take("next", worker=WORKER, longest_seconds=60)
    assert (again.task, again.tries) == (lost.task, 2)  # first of its organization, and counted


def test_a_living_workers_task_is_left_alone_and_a_too_long_one_ended(queue: FairQueue) -> None:
    _put(queue, A, 1)
    queue.take("long", worker=WORKER, longest_seconds=1)
    _put(queue, B, 1)
    queue.take("usual", worker=WORKER, longest_seconds=600)
    time.sleep(1.1)
    queue.beat(WORKER, slots=1)
    swept = queue.sweep(tickets_there=0)
    assert swept.taken_back == 0
    assert [task.organization_id for task in swept.given_up] == [A]
    assert queue.release("long", seconds=2) is False
    running = client_of(settings.FAIR_QUEUE_URL).hkeys(queue.key("leases"))
    assert running == ["usual"]


def test_a_task_whose_worker_died_is_taken_back_however_late_the_sweep_comes(queue: FairQueue) -> None:
    """Beat was away longer than a task may take: the worker did not end the task, it died with it."""
    _put(queue, A, 1)
    queue.beat("gone@test", slots=1)
    queue.take("lost", worker="gone@test", longest_seconds=1)
    time.sleep(1.2)
    swept = queue.sweep(tickets_there=0, silence_seconds=1)
    assert (swept.taken_back, swept.given_up) == (1, [])


def test_lost_tickets_are_sent_again(queue: FairQueue) -> None:
    _put(queue, A, 100)
    queue.beat(WORKER, slots=8)
    assert queue.sweep(tickets_there=3).tickets == 5
    assert queue.sweep(tickets_there=8).tickets == 0


def test_a_delayed_task_waits_for_its_time(queue: FairQueue) -> None:
    assert queue.put(Task("test.work", A, {}), wait_seconds=3600) is False
    assert queue.put(Task("test.work", B, {}), wait_seconds=0.2) is False
    time.sleep(0.3)
    assert queue.sweep(tickets_there=0).tickets == 1
    assert [_serve(queue), _serve(queue)] == [B, None]


def test_a_deleted_organization_leaves_nothing_behind(queue: FairQueue) -> None:
    _put(queue, A, 5)
    queue.put(Task("test.work", A, {}), wait_seconds=60)
    _put(queue, B, 1)
    assert queue.forget(uuid.UUID(A)) == 6
    assert [_serve(queue), _serve(queue)] == [B, None]
    keys = client_of(settings.FAIR_QUEUE_URL).hkeys(queue.key("took"))
    assert [key for key in keys if str(key).startswith(A)] == []
