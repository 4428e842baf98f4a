"""More functions that tenant tables' triggers call."""

from django.db import migrations

FORWARD = """
-- For rows that are written once: whoever wants another content writes another row.
CREATE FUNCTION public.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are never changed', TG_TABLE_NAME USING ERRCODE = 'check_violation';
END $$;

-- While a release is rolled out, its predecessor goes on writing completions by version; they are kept by
-- lineage from now on.
CREATE FUNCTION public.pass_on_completion() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format(
        'INSERT INTO %1$I.learning_lessonrecord AS record (id, created_at, updated_at, enrollment_id,'
        ' attempt, lineage, lesson_id, completed_at, position_seconds, watched_seconds, reached_percent,'
        ' view_count)'
        ' SELECT $1, $2, $2, $3, e.attempt, l.lineage, l.id, $2, 0, 0, 0, 1'
        '   FROM %1$I.courses_lesson l, %1$I.runs_enrollment e WHERE l.id = $4 AND e.id = $3'
        ' ON CONFLICT (enrollment_id, attempt, lineage) DO UPDATE'
        '    SET completed_at = COALESCE(record.completed_at, EXCLUDED.completed_at)', TG_TABLE_SCHEMA)
    USING NEW.id, NEW.completed_at, NEW.enrollment_id, NEW.lesson_id;
    RETURN NULL;
END $$;
"""

BACKWARD = """
DROP FUNCTION public.pass_on_completion();
DROP FUNCTION public.refuse_change();
"""


class Migration(migrations.Migration):
    dependencies = [("tenants", "0005_access_by_subscription")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
