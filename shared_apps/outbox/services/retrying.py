"""Try a message again that was given up."""

from shared_apps.core import clock
from shared_apps.core.errors import Conflict, NotFound
from shared_apps.core.jobs import enqueue
from shared_apps.core.transactions import require_transaction
from shared_apps.outbox.models import OutboxMessage


def do_retry_message(*, message_id: int) -> OutboxMessage:
    """Make a given-up message due now, with its tries counted anew. Needs an open transaction.

    Raises:
        NotFound: there is none.
        Conflict: it is delivered, or still being tried.
    """
    require_transaction()
    message = OutboxMessage.objects.select_for_update().filter(id=message_id).first()
    if message is None:
        raise NotFound(message=message_id)
    if message.given_up_at is None:
        raise Conflict(delivered=message.delivered_at is not None)
    message.given_up_at = None
    message.attempts = 0
    message.available_at = message.updated_at = clock.now()
    message.save(update_fields=["given_up_at", "attempts", "available_at", "updated_at"])
    enqueue("outbox.relay", organization_id=None)
    return message
