"""The doors take for the platform only whoever may act as the owner of the tables.

A tenant's role that signs in by itself, as it may on a cluster of several machines, has set no role either:
it was taken for the platform, and could admit people to any organization.
"""

from django.db import migrations

FORWARD = """
CREATE OR REPLACE FUNCTION public.refuse_other_tenants(organization uuid) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF current_setting('role') = 'none' AND pg_has_role(
        session_user,
        (SELECT c.relowner FROM pg_class c WHERE c.oid = 'public.accounts_user'::regclass),
        'MEMBER'
    ) THEN
        RETURN;
    END IF;
    IF organization IS NULL OR organization IS DISTINCT FROM public.current_tenant() THEN
        RAISE insufficient_privilege USING MESSAGE = 'this is another organization''s';
    END IF;
END
$$;
"""
BACKWARD = """
CREATE OR REPLACE FUNCTION public.refuse_other_tenants(organization uuid) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF current_setting('role') <> 'none' AND organization IS DISTINCT FROM public.current_tenant() THEN
        RAISE insufficient_privilege USING MESSAGE = 'this is another organization''s';
    END IF;
END
$$;
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0004_sessions_know_their_host")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
