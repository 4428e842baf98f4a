"""The database posts every change of seats: right for the API, bulk statements and raw SQL alike.

One function writes to the ledger. It is given moves, takes the subscription's row (which every seat command
holds already), goes on from the subscription's last entry, and inserts all of them in one statement. A
subscription without entries is left alone: the next migration opens its ledger, one that is made later opens
it with its first entry.

The functions run with the rights of the tables' owner, since the role of a tenant may not write the ledger.
None of them can be called by it: trigger functions are not callable, and the others are granted to nobody.
"""

from django.db import migrations

FORWARD = """
CREATE TYPE public.seat_move AS (
    organization_id uuid, subscription_id uuid, kind text, seats int, membership_id uuid, assignment_id uuid,
    cause text, cause_id uuid, actor_id uuid, at timestamptz
);

CREATE FUNCTION public.write_seat_entries(moves public.seat_move[], opens boolean) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM 1 FROM public.billing_subscription
      WHERE id IN (SELECT m.subscription_id FROM unnest(moves) m) ORDER BY id FOR NO KEY UPDATE;
    -- A statement of its own: what others committed before they let go of the row is in sight of it.
    INSERT INTO public.billing_seatentry
        (organization_id, subscription_id, version, kind, seats, membership_id, assignment_id,
         purchased_after, used_after, cause, cause_id, actor_id, at)
    WITH subscriptions AS MATERIALIZED (
        SELECT s.subscription_id, last.version, last.purchased_after, last.used_after, last.at
          FROM (SELECT DISTINCT subscription_id FROM unnest(moves)) s
          LEFT JOIN LATERAL (
              SELECT * FROM public.billing_seatentry e WHERE e.subscription_id = s.subscription_id
               ORDER BY e.version DESC LIMIT 1) last ON true
         WHERE opens OR last.version IS NOT NULL)
    SELECT m.organization_id, m.subscription_id, coalesce(l.version, 0) + row_number() OVER sofar,
           m.kind, m.seats, m.membership_id, m.assignment_id,
           coalesce(l.purchased_after, 0)
               + coalesce(sum(m.seats) FILTER (WHERE m.kind IN ('bought', 'comped')) OVER sofar, 0),
           coalesce(l.used_after, 0)
               + coalesce(sum(m.seats) FILTER (WHERE m.kind NOT IN ('bought', 'comped')) OVER sofar, 0),
           coalesce(m.cause, ''), m.cause_id, m.actor_id,
           -- Time does not go back in a ledger, whatever clocks do.
           greatest(l.at, max(m.at) OVER sofar)
      FROM unnest(moves) WITH ORDINALITY AS m(organization_id, subscription_id, kind, seats, membership_id,
               assignment_id, cause, cause_id, actor_id, at, position)
      JOIN subscriptions l ON l.subscription_id = m.subscription_id
    WINDOW sofar AS (PARTITION BY m.subscription_id ORDER BY m.position)
     ORDER BY m.position;
END $$;

-- What a service said of why it does what it does: `what|id|who`, for its transaction.
CREATE FUNCTION public.seat_cause(part int) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT nullif(split_part(coalesce(current_setting('palaestra.cause', true), ''), '|', part), '')
$$;

CREATE FUNCTION public.post_seats() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    moves public.seat_move[];
    what text := public.seat_cause(1);
    what_id uuid := public.seat_cause(2)::uuid;
    who uuid := public.seat_cause(3)::uuid;
BEGIN
    IF TG_OP = 'INSERT' THEN
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

-- Named to run after the triggers that move the counter: an over-allocation is refused before it is posted.
CREATE TRIGGER seats_then_post AFTER INSERT ON public.billing_seatassignment
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION public.post_seats();
CREATE TRIGGER seats_then_post_change AFTER UPDATE ON public.billing_seatassignment
    REFERENCING OLD TABLE AS removed NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION public.post_seats();
CREATE TRIGGER seats_then_post_removal AFTER DELETE ON public.billing_seatassignment
    REFERENCING OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION public.post_seats();

CREATE FUNCTION public.post_purchase() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    moves public.seat_move[];
    bought int;
    comped int;
    whose record;
    what text := public.seat_cause(1);
    who uuid := public.seat_cause(3)::uuid;
    instant timestamptz := now();
BEGIN
    IF TG_OP = 'INSERT' THEN
        whose := NEW;
        bought := NEW.purchased - NEW.comped;
        comped := NEW.comped;
        instant := NEW.created_at;
        who := coalesce(NEW.granted_by_id, who);
        what := coalesce(what, CASE WHEN NEW.granted_by_id IS NOT NULL THEN 'granted' END);
    ELSIF TG_OP = 'DELETE' THEN
        whose := OLD;
        bought := OLD.comped - OLD.purchased;
        comped := -OLD.comped;
        what := 'deleted';
    ELSE
        whose := NEW;
        bought := (NEW.purchased - NEW.comped) - (OLD.purchased - OLD.comped);
        comped := NEW.comped - OLD.comped;
        IF NEW.updated_at <> OLD.updated_at THEN
            instant := NEW.updated_at;
        END IF;
    END IF;
    -- What comes before what goes: seats that are comped in place of bought ones are never missing.
    SELECT array_agg(ROW(whose.organization_id, whose.id, m.kind, m.seats, NULL, NULL, what,
               public.seat_cause(2)::uuid, who, instant)::public.seat_move ORDER BY m.seats DESC)
      INTO moves FROM (VALUES ('bought', bought), ('comped', comped)) AS m(kind, seats)
     -- The first entry opens the ledger, be it of no seats.
     WHERE m.seats <> 0 OR (TG_OP = 'INSERT' AND m.kind = 'bought');
    IF moves IS NOT NULL THEN
        PERFORM public.write_seat_entries(moves, TG_OP = 'INSERT');
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER purchase_posted AFTER INSERT OR DELETE ON public.billing_subscription
    FOR EACH ROW EXECUTE FUNCTION public.post_purchase();
CREATE TRIGGER purchase_change_posted AFTER UPDATE ON public.billing_subscription
    FOR EACH ROW
    WHEN (OLD.purchased IS DISTINCT FROM NEW.purchased OR OLD.comped IS DISTINCT FROM NEW.comped)
    EXECUTE FUNCTION public.post_purchase();

-- Open the ledger of a subscription that was there before ledgers were: what it has now, seats held since
-- when they are held. Does nothing where it is open; true where it opened it.
CREATE FUNCTION public.open_seat_ledger(wanted uuid) RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    row_ public.billing_subscription;
    moves public.seat_move[];
BEGIN
    SELECT * INTO row_ FROM public.billing_subscription WHERE id = wanted FOR NO KEY UPDATE;
    IF NOT FOUND OR EXISTS (SELECT 1 FROM public.billing_seatentry WHERE subscription_id = wanted) THEN
        RETURN false;
    END IF;
    SELECT array_agg(ROW(row_.organization_id, row_.id, m.kind, m.seats, m.membership_id, m.assignment_id,
               'opening', NULL, NULL, m.at)::public.seat_move ORDER BY m.place, m.at, m.assignment_id)
      INTO moves
      FROM (SELECT 0 AS place, 'bought' AS kind, row_.purchased - row_.comped AS seats,
                   NULL::uuid AS membership_id, NULL::uuid AS assignment_id,
                   least(row_.created_at, row_.starts_at) AS at
             UNION ALL
            SELECT 1, 'comped', row_.comped, NULL, NULL, least(row_.created_at, row_.starts_at)
             WHERE row_.comped <> 0
             UNION ALL
            SELECT 2, CASE WHEN activated_at <= created_at THEN 'activated' ELSE 'assigned' END, 1,
                   membership_id, id, created_at
              FROM public.billing_seatassignment WHERE subscription_id = wanted AND state <> 'revoked'
             UNION ALL
            SELECT 2, 'activated', 0, membership_id, id, activated_at
              FROM public.billing_seatassignment
             WHERE subscription_id = wanted AND state = 'active' AND activated_at > created_at) m;
    PERFORM public.write_seat_entries(moves, true);
    RETURN true;
END $$;

REVOKE ALL ON FUNCTION public.write_seat_entries(public.seat_move[], boolean) FROM PUBLIC;
REVOKE ALL ON FUNCTION public.seat_cause(int) FROM PUBLIC;
REVOKE ALL ON FUNCTION public.post_seats() FROM PUBLIC;
REVOKE ALL ON FUNCTION public.post_purchase() FROM PUBLIC;
REVOKE ALL ON FUNCTION public.open_seat_ledger(uuid) FROM PUBLIC;

CREATE FUNCTION public.refuse_ledger_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER ledger_append_only BEFORE UPDATE OR DELETE ON public.billing_seatentry
    FOR EACH ROW EXECUTE FUNCTION public.refuse_ledger_change();
CREATE TRIGGER ledger_no_truncate BEFORE TRUNCATE ON public.billing_seatentry
    FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_ledger_change();
-- Statements hold names, and go with the organization; until then they stand as they were written.
CREATE TRIGGER statement_frozen BEFORE UPDATE ON public.billing_seatstatement
    FOR EACH ROW EXECUTE FUNCTION public.refuse_ledger_change();
CREATE TRIGGER statement_holding_frozen BEFORE UPDATE ON public.billing_statementholding
    FOR EACH ROW EXECUTE FUNCTION public.refuse_ledger_change();
"""

BACKWARD = """
DROP TRIGGER statement_holding_frozen ON public.billing_statementholding;
DROP TRIGGER statement_frozen ON public.billing_seatstatement;
DROP TRIGGER ledger_no_truncate ON public.billing_seatentry;
DROP TRIGGER ledger_append_only ON public.billing_seatentry;
DROP FUNCTION public.refuse_ledger_change();
DROP TRIGGER purchase_change_posted ON public.billing_subscription;
DROP TRIGGER purchase_posted ON public.billing_subscription;
DROP TRIGGER seats_then_post_removal ON public.billing_seatassignment;
DROP TRIGGER seats_then_post_change ON public.billing_seatassignment;
DROP TRIGGER seats_then_post ON public.billing_seatassignment;
DROP FUNCTION public.open_seat_ledger(uuid);
DROP FUNCTION public.post_purchase();
DROP FUNCTION public.post_seats();
DROP FUNCTION public.seat_cause(int);
DROP FUNCTION public.write_seat_entries(public.seat_move[], boolean);
DROP TYPE public.seat_move;
"""


class Migration(migrations.Migration):
    dependencies = [("billing", "0007_seat_ledger")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
