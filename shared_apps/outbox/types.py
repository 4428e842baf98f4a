"""What a handler of outbox messages sees, and the register of handlers by topic."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tenants.models import Organization

EVENT_PREFIX = "event."


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One claimed message on its way.

    Attributes:
        id: the outbox row; grows with time, the same at every repeat, so receivers can drop repeats by it.
        organization: row of the organization it concerns, read once per batch; None for the platform's own.
        attempts: this try included.
    """

    id: int
    topic: str
    payload: dict[str, Any]
    created_at: datetime
    attempts: int
    organization_id: uuid.UUID | None
    organization: Organization | None


class Undeliverable(Exception):
    """A handler says that no repeat will help: the relay gives the message up at once."""


Deliver = Callable[[Outgoing], None]
Opener = Callable[[], AbstractContextManager[Deliver]]


@dataclass(frozen=True, slots=True)
class Handler:
    """How messages of a topic are delivered.

    Attributes:
        open: gives the function that delivers; opened once per batch, so a connection can serve all of it.
        in_tenant: run inside the message's organization; False for handlers that need none of its tables.
    """

    open: Opener
    in_tenant: bool


_handlers: dict[str, list[Handler]] = {}


def register_handler(topic: str, deliver: Deliver, *, in_tenant: bool = True) -> None:
    """Deliver messages of `topic` by calling `deliver`, in `AppConfig.ready` of the app that owns it.

    Handlers must be idempotent: a killed relay delivers its last messages again. They raise to have the
    message tried later, `Undeliverable` to have it given up.

    Raises:
        ValueError: the topic has a handler; only domain events ("event.<name>") may have several.
    """

    @contextmanager
    def opened() -> Iterator[Deliver]:
        yield deliver

    register_opener(topic, opened, in_tenant=in_tenant)


def register_opener(topic: str, opener: Opener, *, in_tenant: bool = True) -> None:
    """Like `register_handler`, for a handler that keeps something open over a batch (an SMTP connection)."""
    known = _handlers.setdefault(topic, [])
    if known and not topic.startswith(EVENT_PREFIX):
        raise ValueError(f"the topic {topic} has a handler already")
    known.append(Handler(opener, in_tenant))


def handlers_of(topic: str) -> list[Handler]:
    """Return the topic's handlers, none for an unknown one."""
    return _handlers.get(topic, [])
