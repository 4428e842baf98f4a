"""How the outbox stands, for the operators."""

from django.db.models import Count, Q

from shared_apps.outbox.models import OutboxMessage


def count_messages() -> tuple[int, int]:
    """Return how many messages wait to be delivered, and how many were given up."""
    found = OutboxMessage.objects.filter(delivered_at__isnull=True).aggregate(
        waiting=Count("id", filter=Q(given_up_at__isnull=True)),
        given_up=Count("id", filter=Q(given_up_at__isnull=False)),
    )
    return found["waiting"], found["given_up"]
