"""Keep the answers of POSTs that carried an Idempotency-Key."""

import uuid
from datetime import timedelta

from django.db import transaction

from shared_apps.core import clock
from shared_apps.core.errors import Conflict, InvalidInput
from shared_apps.core.pruning import delete_in_batches
from shared_apps.idempotency.models import RememberedAnswer

# A request that has run this long lost its process; the key may be tried again.
ABANDONED_AFTER = timedelta(seconds=60)
KEPT_FOR = timedelta(hours=24)


class StillRunning(Conflict):
    """The first request with this key has not finished."""

    code = "idempotency_key_in_use"
    title = "A request with this Idempotency-Key is still running."
    advice = "Wait a second and send it again."


class KeyReused(InvalidInput):
    """The key was used for another request."""

    code = "idempotency_key_reused"
    title = "This Idempotency-Key belongs to a different request."
    advice = "Use a fresh key for each act."


def begin(
    *, organization_id: uuid.UUID | None, caller: str, key: str, request_hash: bytes
) -> RememberedAnswer:
    """Return the row of this key: fresh (`status` is None) to run the request, or with the answer to repeat.

    Raises:
        StillRunning: another request with the key is under way.
        KeyReused: the key came with another path or body before.
    """
    with transaction.atomic():
        row, created = RememberedAnswer.objects.select_for_update().get_or_create(
            organization_id=organization_id, caller=caller, key=key, defaults={"request_hash": request_hash}
        )
        if created:
            return row
        if bytes(row.request_hash) != request_hash:
            raise KeyReused(field="Idempotency-Key")
        if row.status is None:
            if row.updated_at > clock.now() - ABANDONED_AFTER:
                raise StillRunning(retry_after_seconds=1)
            row.save_fields()
    return row


def finish(row: RememberedAnswer, *, status: int, headers: dict[str, str], body: bytes) -> None:
    """Store the answer for the next 24 hours."""
    row.status = status
    row.headers = headers
    row.body = body
    row.save_fields("status", "headers", "body")


def forget(row: RememberedAnswer) -> None:
    """Free the key: the request did not come to a final answer."""
    RememberedAnswer.objects.filter(pk=row.pk, status__isnull=True).delete()


def forget_old() -> int:
    """Delete answers past their time; return how many."""
    return delete_in_batches(RememberedAnswer.objects.filter(created_at__lt=clock.now() - KEPT_FOR))
