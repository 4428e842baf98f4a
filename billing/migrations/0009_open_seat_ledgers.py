"""Open the ledgers of the subscriptions that were there, each in a moment of its own.

Outside of a transaction, so that no seat command waits for more than its own subscription; run again after
it was broken off, it goes on with those that are left.
"""

from typing import Any

from django.db import migrations


def open_ledgers(apps: Any, schema_editor: Any) -> None:
    """Open those that are not open."""
    subscriptions = apps.get_model("billing", "Subscription")
    for identifier in subscriptions.objects.order_by("id").values_list("id", flat=True):
        with schema_editor.connection.cursor() as cursor:
            cursor.execute("SELECT public.open_seat_ledger(%s)", [identifier])


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("billing", "0008_seat_posting")]
    operations = [migrations.RunPython(open_ledgers, migrations.RunPython.noop)]
