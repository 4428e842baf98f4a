"""The lock of applying: one batch of one organization at a time, whatever imports and workers there are."""

import uuid

from django.db import connection

from tenant_apps.rosters.models import RosterImport


def lock_applying(organization_id: uuid.UUID) -> None:
    """Wait until no other batch of the organization is open; given back when the transaction ends.

    An advisory lock, taken before every row lock of a batch: two imports that name the same people take
    turns batch by batch, and each compares its rows with what the other has committed.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"rosters:{organization_id}"]
        )


def lock_roster(roster_id: uuid.UUID) -> RosterImport | None:
    """Return the import's row, locked until the transaction ends."""
    return RosterImport.objects.select_for_update(of=("self",)).filter(pk=roster_id).first()
