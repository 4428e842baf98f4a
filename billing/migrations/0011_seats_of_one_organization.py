"""A seat is of the organization whose subscription and member it names.

The poster runs with the rights of the tables' owner and went by the row's own word for whose it is: a tenant
that named another's subscription would have written into the other's ledger. The poster is where it is looked
at, once for a statement, since the tenant itself cannot see whose a stranger's subscription is.
"""

from django.db import migrations

FORWARD = """
CREATE OR REPLACE FUNCTION public.post_seats() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    moves public.seat_move[];
    what text := public.seat_cause(1);
    what_id uuid := public.seat_cause(2)::uuid;
    who uuid := public.seat_cause(3)::uuid;
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF EXISTS (SELECT 1 FROM added a JOIN public.billing_subscription s ON s.id = a.subscription_id
                    WHERE s.organization_id <> a.organization_id)
           OR EXISTS (SELECT 1 FROM added a JOIN public.accounts_membership m ON m.id = a.membership_id
                       WHERE m.organization_id <> a.organization_id) THEN
            RAISE EXCEPTION 'a seat is of one organization' USING ERRCODE = 'insufficient_privilege';
        END IF;
        SELECT array_agg(ROW(organization_id, subscription_id,
                   CASE state WHEN 'active' THEN 'activated' ELSE 'assigned' END, 1, membership_id, id,
                   CASE WHEN given_in_id IS NULL THEN what ELSE 'act' END, coalesce(given_in_id, what_id),
                   coalesce(assigned_by_id, who), created_at)::public.seat_move ORDER BY id)
          INTO moves FROM added WHERE state <> 'revoked';
    ELSIF TG_OP = 'DELETE' THEN
        SELECT array_agg(ROW(organization_id, subscription_id, 'revoked', -1, membership_id, id,
                   'deleted', NULL, who, now())::public.seat_move ORDER BY id)
          INTO moves FROM removed WHERE state <> 'revoked';
    ELSE
        SELECT array_agg(ROW(a.organization_id, a.subscription_id,
                   CASE a.state WHEN 'revoked' THEN 'revoked' ELSE 'activated' END,
                   CASE a.state WHEN 'revoked' THEN -1 ELSE 0 END, a.membership_id, a.id,
                   CASE WHEN a.state = 'revoked' AND a.taken_in_id IS NOT NULL THEN 'act' ELSE what END,
                   CASE WHEN a.state = 'revoked' THEN coalesce(a.taken_in_id, what_id) ELSE what_id END,
                   CASE WHEN a.state = 'revoked' THEN coalesce(a.revoked_by_id, who) ELSE who END,
                   coalesce(CASE a.state WHEN 'revoked' THEN a.revoked_at ELSE a.activated_at END,
                            a.updated_at))::public.seat_move ORDER BY a.id)
          INTO moves FROM added a JOIN removed r ON r.id = a.id
         WHERE (a.state = 'revoked' AND r.state <> 'revoked')
            OR (a.state = 'active' AND r.state = 'invited');
    END IF;
    IF moves IS NOT NULL THEN
        PERFORM public.write_seat_entries(moves, false);
    END IF;
    RETURN NULL;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("billing", "0010_checkout_terms")]
    # Backwards it stays: the release before makes no such rows either.
    operations = [migrations.RunSQL(FORWARD, migrations.RunSQL.noop)]
