"""A deployment that is killed in the middle of the outbox's indexes can be run again."""

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection
from django.db.migrations.recorder import MigrationRecorder

from shared_apps.outbox.models import OutboxMessage
from tenants.context import in_public


def test_indexes_of_a_killed_deployment_are_made_again(committed: None) -> None:
    # given the first index half made, the second made, and nothing noted
    with in_public(), connection.cursor() as cursor:
        OutboxMessage.objects.bulk_create(OutboxMessage(topic="test.twice") for _ in range(2))
        cursor.execute("DROP INDEX outbox_lanes")
        with pytest.raises(IntegrityError):
            cursor.execute("CREATE UNIQUE INDEX CONCURRENTLY outbox_lanes ON outbox_outboxmessage (topic)")
        assert indexes() == [("outbox_delivered", True), ("outbox_lanes", False)]
        MigrationRecorder.Migration.objects.filter(app="outbox", name="0003_lanes").delete()

    call_command("migrate", "outbox", verbosity=0)

    with in_public():
        assert indexes() == [("outbox_delivered", True), ("outbox_lanes", True)]


def indexes() -> list[tuple[str, bool]]:
    """Return the migration's indexes and whether each is whole."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname, i.indisvalid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
            " WHERE c.relname IN ('outbox_due', 'outbox_delivered', 'outbox_lanes') ORDER BY 1"
        )
        return list(cursor.fetchall())
