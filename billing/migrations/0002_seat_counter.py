"""Statement triggers move the counter of used seats: right for the API, bulk statements and raw SQL."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION public.move_used_seats() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        UPDATE public.billing_subscription s SET used = s.used + d.seats
          FROM (SELECT subscription_id, count(*) AS seats FROM added WHERE state <> 'revoked'
                 GROUP BY subscription_id) d
         WHERE s.id = d.subscription_id;
    ELSIF TG_OP = 'DELETE' THEN
        UPDATE public.billing_subscription s SET used = s.used - d.seats
          FROM (SELECT subscription_id, count(*) AS seats FROM removed WHERE state <> 'revoked'
                 GROUP BY subscription_id) d
         WHERE s.id = d.subscription_id;
    ELSE
        UPDATE public.billing_subscription s SET used = s.used + d.seats
          FROM (SELECT subscription_id, sum(sign) AS seats
                  FROM (SELECT subscription_id, 1 AS sign FROM added WHERE state <> 'revoked'
                        UNION ALL
                        SELECT subscription_id, -1 FROM removed WHERE state <> 'revoked') moves
                 GROUP BY subscription_id HAVING sum(sign) <> 0) d
         WHERE s.id = d.subscription_id;
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER seats_added AFTER INSERT ON public.billing_seatassignment
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION public.move_used_seats();
CREATE TRIGGER seats_changed AFTER UPDATE ON public.billing_seatassignment
    REFERENCING OLD TABLE AS removed NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION public.move_used_seats();
CREATE TRIGGER seats_removed AFTER DELETE ON public.billing_seatassignment
    REFERENCING OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION public.move_used_seats();

-- A revoked row is history: it is never opened again, nor moved to another member or subscription.
CREATE FUNCTION public.keep_seat_history() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state = 'revoked' OR NEW.membership_id <> OLD.membership_id
       OR NEW.subscription_id <> OLD.subscription_id THEN
        RAISE EXCEPTION 'seat history cannot be rewritten' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER seat_history BEFORE UPDATE ON public.billing_seatassignment
    FOR EACH ROW EXECUTE FUNCTION public.keep_seat_history();
"""

BACKWARD = """
DROP TRIGGER seat_history ON public.billing_seatassignment;
DROP FUNCTION public.keep_seat_history();
DROP TRIGGER seats_added ON public.billing_seatassignment;
DROP TRIGGER seats_changed ON public.billing_seatassignment;
DROP TRIGGER seats_removed ON public.billing_seatassignment;
DROP FUNCTION public.move_used_seats();
"""


class Migration(migrations.Migration):
    dependencies = [("billing", "0001_initial")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
