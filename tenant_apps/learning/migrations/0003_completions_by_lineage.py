"""Completions are kept by lineage; those that servers of the release before still write are passed on."""

from django.db import migrations

FORWARD = """
INSERT INTO learning_lessonrecord
       (id, created_at, updated_at, enrollment_id, attempt, lineage, lesson_id, opened_at, completed_at,
        position_seconds, watched_seconds, reached_percent, view_count)
SELECT p.id, p.created_at, p.updated_at, p.enrollment_id, 1, l.lineage, p.lesson_id, p.completed_at,
       p.completed_at, 0, 0, 0, 1
  FROM learning_lessonprogress p JOIN courses_lesson l ON l.id = p.lesson_id
    ON CONFLICT (enrollment_id, attempt, lineage) DO NOTHING;
UPDATE learning_courseprogress SET completed_weight = completed_count;
CREATE TRIGGER learning_lessonprogress_passed_on AFTER INSERT ON learning_lessonprogress
   FOR EACH ROW EXECUTE FUNCTION public.pass_on_completion();
"""

BACKWARD = "DROP TRIGGER learning_lessonprogress_passed_on ON learning_lessonprogress;"


class Migration(migrations.Migration):
    dependencies = [("learning", "0002_records_by_lineage"), ("tenants", "0006_functions_of_courses")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
