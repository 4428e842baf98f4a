"""Forget messages that were delivered long ago."""

from django.conf import settings

from shared_apps.core import clock
from shared_apps.core.pruning import delete_in_batches
from shared_apps.outbox.models import OutboxMessage


def prune_delivered() -> int:
    """Delete delivered messages past their time; return how many. Given-up ones stay until somebody looks."""
    before = clock.now() - settings.KEEP_DELIVERED_MESSAGES
    return delete_in_batches(OutboxMessage.objects.filter(delivered_at__lt=before))
