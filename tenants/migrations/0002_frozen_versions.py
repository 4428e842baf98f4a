"""Functions that tenant tables' triggers call; they stand in `public` once, a tenant has none of its own."""

from django.db import migrations

FORWARD = """
-- Modules and lessons of a published version cannot be added, changed or removed. Statement triggers with
-- transition tables: one check for a statement that copies a thousand lessons.
CREATE FUNCTION public.refuse_frozen_content() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE frozen boolean;
BEGIN
    EXECUTE format(
        'SELECT EXISTS (SELECT 1 FROM touched t JOIN %I.courses_courseversion v ON v.id = t.version_id'
        ' WHERE v.state <> ''draft'')', TG_TABLE_SCHEMA) INTO frozen;
    IF frozen THEN
        RAISE EXCEPTION 'a published course version cannot be changed' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION public.refuse_frozen_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state <> 'draft' THEN
        RAISE EXCEPTION 'a published course version cannot be changed' USING ERRCODE = 'check_violation';
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;
"""

BACKWARD = """
DROP FUNCTION public.refuse_frozen_content();
DROP FUNCTION public.refuse_frozen_version();
"""


class Migration(migrations.Migration):
    dependencies = [("tenants", "0001_initial")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
