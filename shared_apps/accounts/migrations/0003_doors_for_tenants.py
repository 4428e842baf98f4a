"""What a tenant may have done to logins that it cannot see or write: functions with the platform's rights.

The database shows a tenant the logins of its own people only (tenants/postgresql/register.py), and lets it
make none and set no password. Inviting somebody, who may have a login made elsewhere, and accepting an
invitation go through here. Each function finds out which tenant calls; the platform's own role may call them
for any.
"""

from django.db import migrations

AWAITS = """
CREATE FUNCTION public.tenant_awaits_user(person uuid, address text) RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    tenant CONSTANT uuid := public.current_tenant();
BEGIN
    -- Who was invited by address alone (an organization's first owner) and has not answered yet; or an
    -- operator who entered the organization: a sign-in without membership, which only the platform can make.
    RETURN EXISTS (SELECT 1 FROM public.accounts_invitation i
                    WHERE i.organization_id = tenant AND i.email = address
                      AND i.accepted_at IS NULL AND i.revoked_at IS NULL)
        OR EXISTS (SELECT 1 FROM public.accounts_signin s
                    WHERE s.user_id = person AND s.organization_id = tenant
                      AND s.membership_id IS NULL AND s.revoked_at IS NULL);
END
$$;
"""

REFUSE_OTHERS = """
CREATE FUNCTION public.refuse_other_tenants(organization uuid) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF current_setting('role') <> 'none' AND organization IS DISTINCT FROM public.current_tenant() THEN
        RAISE insufficient_privilege USING MESSAGE = 'this is another organization''s';
    END IF;
END
$$;
REVOKE ALL ON FUNCTION public.refuse_other_tenants(uuid) FROM PUBLIC;
"""

ADMIT = """
CREATE FUNCTION public.tenant_admit_people(
    organization uuid, instant timestamptz, user_ids uuid[], membership_ids uuid[], emails text[],
    names text[], timezones text[], languages text[], roles text[]
) RETURNS TABLE (email text, user_id uuid, membership_id uuid)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
    PERFORM public.refuse_other_tenants(organization);
    -- In the order given: the caller sorts, so that organizations that admit the same people do not deadlock.
    INSERT INTO public.accounts_user (id, created_at, updated_at, email, password, name, timezone, language,
                                      is_active, is_staff, is_superuser, sign_in_epoch)
    SELECT new.id, instant, instant, new.email,
           '!' || translate(concat(gen_random_uuid(), gen_random_uuid()), '-', ''),
           new.name, new.timezone, new.language, true, false, false, 0
      FROM unnest(user_ids, emails, names, timezones, languages)
           WITH ORDINALITY AS new (id, email, name, timezone, language, place)
     ORDER BY new.place
        ON CONFLICT (email) DO NOTHING;
    RETURN QUERY
    WITH people AS (
        SELECT u.id AS user_id, new.membership_id, new.email, new.role
          FROM unnest(membership_ids, emails, roles) AS new (membership_id, email, role)
          JOIN public.accounts_user u ON u.email = new.email
    ), admitted AS (
        INSERT INTO public.accounts_membership
               (id, created_at, updated_at, organization_id, user_id, role, status)
        SELECT p.membership_id, instant, instant, organization, p.user_id, p.role, 'invited' FROM people p
    )
    SELECT p.email, p.user_id, p.membership_id FROM people p;
END
$$;
"""

ACCEPT = """
CREATE FUNCTION public.tenant_accept_invitation(
    invitation uuid, instant timestamptz, new_user_id uuid, new_membership_id uuid, new_password text,
    new_name text
) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    asked public.accounts_invitation;
    person public.accounts_user;
    is_proved boolean;
    keeps_password boolean;
BEGIN
    SELECT * INTO asked FROM public.accounts_invitation i WHERE i.id = invitation FOR UPDATE;
    PERFORM public.refuse_other_tenants(asked.organization_id);
    IF asked.id IS NULL OR asked.accepted_at IS NOT NULL OR asked.revoked_at IS NOT NULL
       OR asked.expires_at <= instant THEN
        RETURN NULL;
    END IF;
    -- A new login starts with the organization's time zone and language; a known one keeps its own.
    INSERT INTO public.accounts_user (id, created_at, updated_at, email, password, name, timezone, language,
                                      is_active, is_staff, is_superuser, sign_in_epoch)
    SELECT new_user_id, instant, instant, asked.email, coalesce(new_password, '!'), new_name, o.timezone,
           o.language, true, false, false, 0
      FROM public.tenants_organization o
     WHERE o.id = asked.organization_id
       AND NOT EXISTS (SELECT 1 FROM public.accounts_user u WHERE u.email = asked.email)
        ON CONFLICT (email) DO NOTHING;
    SELECT * INTO STRICT person FROM public.accounts_user u WHERE u.email = asked.email FOR NO KEY UPDATE;
    IF person.id <> new_user_id THEN
        is_proved := person.is_staff OR EXISTS (
            SELECT 1 FROM public.account_emailaddress a
             WHERE a.user_id = person.id AND a.email = person.email AND a.verified);
        -- The password is asked for where the account has one and its address was proved, and set otherwise.
        keeps_password := is_proved AND person.password <> '' AND person.password NOT LIKE '!%';
        IF NOT person.is_active OR (new_password IS NULL) <> keeps_password THEN
            RETURN NULL;
        END IF;
        IF new_password IS NOT NULL THEN
            -- Somebody who never proved the address may have made the account: what they hold ends here.
            UPDATE public.accounts_signin s
               SET revoked_at = instant, revoked_reason = 'invitation_accepted', updated_at = instant
             WHERE s.user_id = person.id AND s.revoked_at IS NULL;
        END IF;
        UPDATE public.accounts_user u
           SET password = coalesce(new_password, u.password),
               sign_in_epoch = u.sign_in_epoch + (new_password IS NOT NULL)::int,
               name = CASE WHEN u.name = '' THEN new_name ELSE u.name END,
               updated_at = instant
         WHERE u.id = person.id;
    END IF;
    UPDATE public.account_emailaddress a SET verified = true, "primary" = true
     WHERE a.user_id = person.id AND a.email = person.email;
    IF NOT FOUND THEN
        INSERT INTO public.account_emailaddress (user_id, email, verified, "primary")
        VALUES (person.id, person.email, true, true);
    END IF;
    IF asked.membership_id IS NULL THEN  -- an owner's, who was invited before the tenant had people
        INSERT INTO public.accounts_membership
               (id, created_at, updated_at, organization_id, user_id, role, status)
        VALUES (new_membership_id, instant, instant, asked.organization_id, person.id, asked.role, 'invited')
            ON CONFLICT (organization_id, user_id) DO NOTHING;
    END IF;
    RETURN person.id;
END
$$;
"""

BACKWARD = """
DROP POLICY IF EXISTS tenant ON public.accounts_user;
DROP FUNCTION public.tenant_accept_invitation(uuid, timestamptz, uuid, uuid, text, text);
DROP FUNCTION public.tenant_admit_people(
    uuid, timestamptz, uuid[], uuid[], text[], text[], text[], text[], text[]);
DROP FUNCTION public.refuse_other_tenants(uuid);
DROP FUNCTION public.tenant_awaits_user(uuid, text);
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_support_sign_in"),
        ("account", "0001_initial"),
        ("tenants", "0001_initial"),
    ]
    operations = [migrations.RunSQL([AWAITS, REFUSE_OTHERS, ADMIT, ACCEPT], BACKWARD)]
