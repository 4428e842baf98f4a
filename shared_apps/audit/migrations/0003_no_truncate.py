"""Emptying the audit log in one statement goes round row triggers, so it has a trigger of its own."""

from django.db import migrations

FORWARD = """
CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON public.audit_auditevent
    FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_audit_change();
"""

BACKWARD = "DROP TRIGGER audit_no_truncate ON public.audit_auditevent;"


class Migration(migrations.Migration):
    dependencies = [("audit", "0002_append_only")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
