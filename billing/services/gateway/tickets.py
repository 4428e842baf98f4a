"""Whose answer counts: a number drawn before the gateway is asked, held against the last one applied."""

from collections.abc import Callable
from typing import Any

from django.db import connection

from billing.models import ObjectSync
from shared_apps.core import clock
from shared_apps.core.ids import new_id
from shared_apps.core.transactions import entry_transaction, require_transaction

GATEWAY = "stripe"


def draw_ticket(object_ref: str) -> int:
    """Return the next number of the object, in a short transaction of its own."""
    with entry_transaction():
        return do_draw_ticket(object_ref)


def do_draw_ticket(object_ref: str) -> int:
    """Return the next number of the object. The open transaction must end before the gateway is asked."""
    require_transaction()
    now = clock.now()
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO billing_objectsync (id, created_at, updated_at, gateway, object_ref, issued, applied)
            VALUES (%s, %s, %s, %s, %s, 1, 0)
            ON CONFLICT (gateway, object_ref)
            DO UPDATE SET issued = billing_objectsync.issued + 1, updated_at = excluded.updated_at
            RETURNING issued
            """,
            [new_id(), now, now, GATEWAY, object_ref],
        )
        return int(cursor.fetchone()[0])


def apply_in_turn(object_ref: str, ticket: int, apply: Callable[[], Any]) -> bool:
    """Call `apply` unless a later ticket was applied; tell whether it was. Needs an open transaction."""
    require_transaction()
    sync = ObjectSync.objects.select_for_update(no_key=True).get(gateway=GATEWAY, object_ref=object_ref)
    if ticket <= sync.applied:
        return False
    apply()
    sync.applied = ticket
    sync.save_fields("applied")
    return True
