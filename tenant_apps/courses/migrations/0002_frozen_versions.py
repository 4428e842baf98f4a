"""A published version never changes: the database refuses, whoever asks."""

from django.db import migrations

_TABLES = ("courses_module", "courses_lesson")
_EVENTS = (("INSERT", "NEW"), ("UPDATE", "OLD"), ("DELETE", "OLD"))

FORWARD = "".join(
    f"CREATE TRIGGER {table}_frozen_{event.lower()} AFTER {event} ON {table} "
    f"REFERENCING {rows} TABLE AS touched FOR EACH STATEMENT "
    "EXECUTE FUNCTION public.refuse_frozen_content();\n"
    for table in _TABLES
    for event, rows in _EVENTS
) + (
    "CREATE TRIGGER courses_version_frozen BEFORE UPDATE OR DELETE ON courses_courseversion "
    "FOR EACH ROW EXECUTE FUNCTION public.refuse_frozen_version();\n"
)

BACKWARD = (
    "".join(
        f"DROP TRIGGER {table}_frozen_{event.lower()} ON {table};\n"
        for table in _TABLES
        for event, _ in _EVENTS
    )
    + "DROP TRIGGER courses_version_frozen ON courses_courseversion;\n"
)


class Migration(migrations.Migration):
    dependencies = [("courses", "0001_initial"), ("tenants", "0002_frozen_versions")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
