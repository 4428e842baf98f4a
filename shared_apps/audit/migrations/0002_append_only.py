"""The audit log is append-only for everybody who reaches it through this database."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION public.refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is append-only' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE ON public.audit_auditevent
    FOR EACH ROW EXECUTE FUNCTION public.refuse_audit_change();
"""

BACKWARD = """
DROP TRIGGER audit_append_only ON public.audit_auditevent;
DROP FUNCTION public.refuse_audit_change();
"""


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_initial")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
