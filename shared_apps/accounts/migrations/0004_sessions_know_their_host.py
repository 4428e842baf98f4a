"""Browser sessions carry the database role of the host that made them, so that no host reads another's.

The column is filled by the database and unknown to Django, whose session code stays as it is.
"""

from typing import Any

from django.contrib.sessions.backends.db import SessionStore
from django.db import migrations

FORWARD = """
ALTER TABLE public.django_session ADD COLUMN made_by text NOT NULL DEFAULT current_setting('role');
"""
BACKWARD = """
DROP POLICY IF EXISTS tenant ON public.django_session;
ALTER TABLE public.django_session DROP COLUMN made_by;
"""
_BATCH = 1000


def place_old_sessions(apps: Any, schema_editor: Any) -> None:
    """Find the host of each session made before by the sign-in it names; the others are the platform's."""
    sign_ins = apps.get_model("accounts", "SignIn").objects
    store = SessionStore()
    sessions = apps.get_model("sessions", "Session").objects.values_list("session_key", "session_data")
    found = {}
    for key, content in sessions.iterator(chunk_size=_BATCH):
        sign_in_id = store.decode(content).get("sign_in_id")
        if sign_in_id:
            found[key] = sign_in_id
    keys = list(found)
    for start in range(0, len(keys), _BATCH):
        batch = keys[start : start + _BATCH]
        schemas = {
            str(identifier): schema
            for identifier, schema in sign_ins.filter(
                id__in=[found[key] for key in batch], organization__isnull=False
            ).values_list("id", "organization__schema_name")
        }
        placed = [(schemas[found[key]], key) for key in batch if found[key] in schemas]
        with schema_editor.connection.cursor() as cursor:
            cursor.executemany("UPDATE django_session SET made_by = %s WHERE session_key = %s", placed)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_doors_for_tenants"), ("sessions", "0001_initial")]
    operations = [
        migrations.RunSQL(FORWARD, BACKWARD),
        migrations.RunPython(place_old_sessions, migrations.RunPython.noop),
    ]
