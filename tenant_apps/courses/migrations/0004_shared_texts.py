"""Texts move to rows of their own, and what came with them is frozen with its version.

The columns they stood in stay, as they were, for the release before; a contract step takes them away.
"""

from django.db import migrations

_TABLES = ("courses_lessonresource", "courses_translation")
_EVENTS = (("INSERT", "NEW"), ("UPDATE", "OLD"), ("DELETE", "OLD"))

FREEZE = "".join(
    f"CREATE TRIGGER {table}_frozen_{event.lower()} AFTER {event} ON {table} "
    f"REFERENCING {rows} TABLE AS touched FOR EACH STATEMENT "
    "EXECUTE FUNCTION public.refuse_frozen_content();\n"
    for table in _TABLES
    for event, rows in _EVENTS
) + (
    "CREATE TRIGGER courses_lessontext_fixed BEFORE UPDATE ON courses_lessontext "
    "FOR EACH ROW EXECUTE FUNCTION public.refuse_change();\n"
)

THAW = (
    "".join(
        f"DROP TRIGGER {table}_frozen_{event.lower()} ON {table};\n"
        for table in _TABLES
        for event, _ in _EVENTS
    )
    + "DROP TRIGGER courses_lessontext_fixed ON courses_lessontext;\n"
)

# One text for each lineage and content. The digest is that of `courses.content.digest.text_digest`. A frozen
# lesson is told where its text stands; its content stays what it was.
MOVE = """
ALTER TABLE courses_lesson DISABLE TRIGGER courses_lesson_frozen_update;
WITH contents AS (
    SELECT lineage, body_format, body, body_html, min(created_at) AS created_at, gen_random_uuid() AS id
      FROM courses_lesson WHERE text_id IS NULL
     GROUP BY lineage, body_format, body, body_html
), texts AS (
    INSERT INTO courses_lessontext (id, created_at, updated_at, body_format, body, body_html, digest)
    SELECT id, created_at, created_at, body_format, body, body_html,
           encode(sha256(convert_to(body_format || chr(10) || body, 'UTF8')), 'hex')
      FROM contents
)
UPDATE courses_lesson l SET text_id = c.id
  FROM contents c
 WHERE l.text_id IS NULL AND l.lineage = c.lineage AND l.body_format = c.body_format
   AND l.body = c.body AND l.body_html = c.body_html;
SET CONSTRAINTS ALL IMMEDIATE;
ALTER TABLE courses_lesson ENABLE TRIGGER courses_lesson_frozen_update;
SET CONSTRAINTS ALL DEFERRED;
"""


class Migration(migrations.Migration):
    dependencies = [("courses", "0003_courses_in_depth"), ("tenants", "0006_functions_of_courses")]
    operations = [
        migrations.RunSQL(FREEZE, THAW),
        migrations.RunSQL(MOVE, migrations.RunSQL.noop),
    ]
