"""Every enrollment has the grant that it came from."""

from django.db import migrations

FORWARD = """
INSERT INTO runs_accessgrant
       (id, created_at, updated_at, enrollment_id, source, reference, starts_at, ends_at, reason,
        granted_by_id)
SELECT gen_random_uuid(), e.created_at, e.created_at, e.id, e.source, '', e.created_at, e.expires_at, '',
       e.enrolled_by_id
  FROM runs_enrollment e
    ON CONFLICT (enrollment_id, source, reference) DO NOTHING;
"""


class Migration(migrations.Migration):
    dependencies = [("runs", "0002_enrollment_in_depth")]
    operations = [migrations.RunSQL(FORWARD, migrations.RunSQL.noop)]
