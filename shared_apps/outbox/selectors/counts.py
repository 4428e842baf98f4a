"""How the outbox stands, for the operators."""

import uuid
from datetime import date, datetime

from django.db.models import Count, Q
from django.db.models.functions import TruncDate

from shared_apps.outbox.models import OutboxMessage


def count_messages() -> tuple[int, int]:
    """Return how many messages wait to be delivered, and how many were given up."""
    found = OutboxMessage.objects.filter(delivered_at__isnull=True).aggregate(
        waiting=Count("id", filter=Q(given_up_at__isnull=True)),
        given_up=Count("id", filter=Q(given_up_at__isnull=False)),
    )
    return found["waiting"], found["given_up"]


def count_delivered_mails(*, since: datetime) -> list[tuple[uuid.UUID, date, int]]:
    """Return organization, day (UTC) and number of the mails delivered since; the platform's own left out."""
    rows = OutboxMessage.objects.filter(
        topic="mail.send", delivered_at__gte=since, organization_id__isnull=False
    )
    days = rows.order_by().annotate(day=TruncDate("delivered_at")).values_list("organization_id", "day")
    return list(days.annotate(number=Count("id")))
