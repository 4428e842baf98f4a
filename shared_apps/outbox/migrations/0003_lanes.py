import uuid

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models
from django.db.models.functions import Coalesce


def _drop_what_a_kill_left(name: str) -> migrations.RunSQL:
    """An index that is half made, or made but not noted, would stop every later `migrate`."""
    return migrations.RunSQL(f"DROP INDEX CONCURRENTLY IF EXISTS {name}", migrations.RunSQL.noop)


class Migration(migrations.Migration):
    """Indexes by turns of organizations instead of one line of all, made while messages are written. Safe to
    kill and to run again."""

    atomic = False
    dependencies = [("outbox", "0002_message_priority")]

    operations = [
        _drop_what_a_kill_left("outbox_lanes"),
        AddIndexConcurrently(
            "outboxmessage",
            models.Index(
                Coalesce("organization_id", models.Value(uuid.UUID(int=0))),
                "priority",
                "available_at",
                "id",
                condition=models.Q(delivered_at__isnull=True, given_up_at__isnull=True),
                name="outbox_lanes",
            ),
        ),
        _drop_what_a_kill_left("outbox_delivered"),
        AddIndexConcurrently(
            "outboxmessage",
            models.Index(
                fields=["delivered_at"],
                condition=models.Q(delivered_at__isnull=False),
                name="outbox_delivered",
            ),
        ),
        RemoveIndexConcurrently("outboxmessage", "outbox_due"),
    ]
