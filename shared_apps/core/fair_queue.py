"""The fair queue of organizations' tasks: whose turn it is decides what a free worker runs.

A task waits in its organization's own list in Valkey; what goes to the broker is a *ticket* without content.
A worker with a ticket asks here for a task and gets the one of the organization that had the least worker
time for its weight. So 100,000 tasks of one organization are 100,000 entries of one list, and the next task
of another is taken by the next free worker (docs/decisions/0011-fair-queues.md).

A taken task is under a lease in the name of its ticket. A process that dies gives its ticket back to the
broker, and the ticket finds its task again; a worker that dies whole is noticed by its silence. Everything
that must not be lost stands in a table besides (outbox, jobs), since Valkey may lose seconds.
"""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

from shared_apps.core import clock, fair_queue_scripts
from shared_apps.core.ids import new_id

MOST_TRIES = 5
# A worker says every two seconds that it lives.
SILENCE_SECONDS = 60
_ANSWER_SECONDS = 2.0
# A worker that was killed and is started again under its name is another one: what the first had taken must
# not look alive. Drawn before Celery forks its processes, so that all of one worker have the same.
_START = new_id().hex


@dataclass(frozen=True, slots=True)
class Task:
    """A task of an organization.

    Attributes:
        id: stays the same over its retries.
        retries: how often it asked to be run again itself.
        enqueued_at: seconds since the epoch.
    """

    name: str
    organization_id: str
    kwargs: dict[str, Any] = field(default_factory=dict)
    id: str = field(default_factory=lambda: new_id().hex)
    retries: int = 0
    enqueued_at: float = field(default_factory=lambda: clock.now().timestamp())

    def text(self) -> str:
        """Return the entry of the list; `tries` stands first, where the sweep writes it."""
        facts = {
            "tries": 0,
            "id": self.id,
            "name": self.name,
            "organization": self.organization_id,
            "kwargs": self.kwargs,
            "retries": self.retries,
            "at": self.enqueued_at,
        }
        return json.dumps(facts, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class Taken:
    """What a ticket got.

    Attributes:
        task: None when nobody's turn could be served; the ticket is used up.
        tries: the how-manieth worker this is for the task.
        is_spent: the task has lost too many workers: it is not to be run.
        more: send a further ticket.
    """

    task: Task | None
    tries: int
    is_spent: bool
    more: bool


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep found: tickets to send, tasks taken back from dead workers, tasks given up."""

    tickets: int
    taken_back: int
    given_up: list[Task]


class FairQueue:
    """The queue under one prefix of one Valkey."""

    def __init__(self, client: redis.Redis, prefix: str, reserved: int) -> None:
        """Know the scripts.

        Args:
            prefix: of all its keys.
            reserved: slots among all workers' that no single organization may hold.
        """
        self._client = client
        self._prefix = prefix
        self._reserved = reserved
        scripts = fair_queue_scripts
        self._put = client.register_script(scripts.PUT)
        self._take = client.register_script(scripts.TAKE)
        self._release = client.register_script(scripts.RELEASE)
        self._sweep = client.register_script(scripts.SWEEP)
        self._forget = client.register_script(scripts.FORGET)
        self._weights = client.register_script(scripts.WEIGHTS)
        self._beat = client.register_script(scripts.BEAT)

    def put(self, task: Task, *, wait_seconds: float = 0) -> bool:
        """Let the task wait for its turn; True when a ticket has to be sent for it.

        Args:
            wait_seconds: do not run it before; the sweep or any ticket wakes it.
        """
        arguments: list[str | float] = [task.organization_id, task.text(), wait_seconds, self._reserved]
        return bool(self._put(keys=[self._prefix], args=arguments))

    def take(self, ticket: str, *, worker: str, longest_seconds: int) -> Taken:
        """Take the task whose turn it is, or the one this ticket had before.

        Args:
            ticket: id of the message; the same when the broker delivers it again.
            worker: as it says `beat`.
            longest_seconds: after which the worker has surely ended the task.
        """
        arguments: list[str | float] = [ticket, worker, longest_seconds, self._reserved, MOST_TRIES]
        text, tries, more, spent = self._take(keys=[self._prefix], args=arguments)
        return Taken(_task(text) if text else None, int(tries), bool(spent), bool(more))

    def release(self, ticket: str, *, seconds: float) -> bool:
        """End the lease and note what the task took; True when a further ticket has to be sent."""
        day = clock.now().date().isoformat()
        arguments: list[str | float] = [ticket, round(seconds * 1000, 3), day, self._reserved]
        return bool(self._release(keys=[self._prefix], args=arguments)[1])

    def sweep(self, *, tickets_there: int, silence_seconds: int = SILENCE_SECONDS) -> Swept:
        """Take back tasks of dead workers and count the tickets anew.

        Args:
            tickets_there: messages the broker holds that no worker has.
            silence_seconds: after which a worker counts as dead.
        """
        arguments: list[str | float] = [tickets_there, self._reserved, MOST_TRIES, silence_seconds]
        tickets, taken_back, *given_up = self._sweep(keys=[self._prefix], args=arguments)
        return Swept(int(tickets), int(taken_back), [_task(text) for text in given_up])

    def beat(self, worker: str, *, slots: int) -> None:
        """Say that the worker lives and runs up to `slots` tasks at once."""
        self._beat(keys=[self._prefix], args=[worker, slots])

    def set_weights(self, weights: Mapping[uuid.UUID, int]) -> None:
        """Replace all weights; who is not named has 1."""
        pairs = [part for identifier, weight in weights.items() for part in (str(identifier), weight)]
        self._weights(keys=[self._prefix], args=pairs)

    def forget(self, organization_id: uuid.UUID) -> int:
        """Drop what waits for an organization that is no more; return how many tasks that were."""
        return int(self._forget(keys=[self._prefix], args=[str(organization_id)]))

    def count_waiting(self, organization_id: uuid.UUID) -> int:
        """Return how many tasks of the organization wait."""
        return int(self._client.llen(f"{self._prefix}wait:{organization_id}"))

    def count_left(self, organization_id: uuid.UUID) -> int:
        """Return how many tasks of the organization wait, now or for a later time. Reads all that wait for
        a later time: for the end of an organization, not for a page."""
        later: Any = self._client.zscan_iter(f"{self._prefix}due", count=1000)
        owner = str(organization_id)
        return self.count_waiting(organization_id) + len(
            {text for text, _ in later if json.loads(text)["organization"] == owner}
        )

    def waiting(self, most: int = 50) -> list[tuple[str, int]]:
        """Return the organizations with waiting tasks and how many, those whose turn is next first."""
        ring: Any = self._client.zrange(f"{self._prefix}ring", 0, most - 1)
        asked = self._client.pipeline(transaction=False)
        for name in ring:
            asked.llen(f"{self._prefix}wait:{name}")
        return [(str(name), int(length)) for name, length in zip(ring, asked.execute(), strict=True)]

    @property
    def client(self) -> redis.Redis:
        """The connections it uses, for those who keep figures."""
        return self._client

    def key(self, name: str) -> str:
        """Return the full key of one part of its state, for those who keep figures."""
        return f"{self._prefix}{name}"


def _task(text: str) -> Task:
    facts = json.loads(text)
    return Task(
        name=facts["name"],
        organization_id=facts["organization"],
        # Lua never re-encodes the entry, so an empty object stays one.
        kwargs=facts["kwargs"],
        id=facts["id"],
        retries=facts["retries"],
        enqueued_at=facts["at"],
    )


@lru_cache(maxsize=4)
def client_of(url: str) -> redis.Redis:
    """Return this process's connections to a Valkey; safe over threads, and over a fork."""
    return redis.Redis.from_url(
        url,
        decode_responses=True,
        socket_timeout=_ANSWER_SECONDS,
        socket_connect_timeout=_ANSWER_SECONDS,
        retry=Retry(NoBackoff(), 1),
    )


@lru_cache(maxsize=4)
def _queue(url: str, prefix: str, reserved: int) -> FairQueue:
    return FairQueue(client_of(url), prefix, reserved)


def worker_name(hostname: str) -> str:
    """Return the name under which this start of a worker takes tasks and says that it lives.

    Args:
        hostname: Celery's name of the worker, the same after a restart.
    """
    return f"{hostname}/{_START}"


def fair_queue() -> FairQueue:
    """Return the queue that the settings name."""
    return _queue(settings.FAIR_QUEUE_URL, settings.FAIR_QUEUE_PREFIX, settings.FAIR_QUEUE_RESERVED_SLOTS)


def count_all_waiting() -> int | None:
    """Return how many tasks wait now; None when Valkey cannot be asked."""
    try:
        return sum(number for _, number in fair_queue().waiting(5000))
    except redis.RedisError:
        return None
