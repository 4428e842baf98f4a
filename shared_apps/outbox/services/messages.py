"""Put messages into the outbox, in the transaction of what they tell about."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from shared_apps.core.jobs import enqueue
from shared_apps.core.transactions import require_transaction
from shared_apps.outbox.models import OutboxMessage, Priority


@dataclass(frozen=True, slots=True)
class Message:
    """One message to be.

    Attributes:
        topic: names the handler, "mail.send".
        payload: JSON-ready; ids rather than copies, and no secret that should not rest in a table.
        dedupe_key: the same key again is the same message and is dropped.
        is_urgent: somebody waits for it before a screen (a link to sign in), so it goes before the rest.
    """

    topic: str
    payload: dict[str, Any] = field(default_factory=dict)
    dedupe_key: str | None = None
    is_urgent: bool = False


def do_send(messages: Iterable[Message], *, organization_id: uuid.UUID | None) -> None:
    """Store the messages and, after the commit, wake the relay. Needs an open transaction."""
    require_transaction()
    rows = [
        OutboxMessage(
            organization_id=organization_id,
            topic=message.topic,
            payload=message.payload,
            dedupe_key=message.dedupe_key,
            priority=Priority.URGENT if message.is_urgent else Priority.USUAL,
        )
        for message in messages
    ]
    if not rows:
        return
    OutboxMessage.objects.bulk_create(rows, batch_size=1000, ignore_conflicts=True)
    enqueue("outbox.relay", organization_id=None)
