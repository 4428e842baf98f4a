"""A seat of a subscription that is over is taken by hand while the timer ends it: one of both ends it."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from django.db import connection, transaction

from billing.enums import SeatState, SubscriptionStatus
from billing.models import SeatAssignment, Subscription
from billing.services.access.access import do_end_seats_of
from billing.services.seats.seats import assign_seats, revoke_seat
from shared_apps.accounts.models import Membership
from shared_apps.core import clock
from shared_apps.core.actors import system_actor
from tenants.context import in_organization, in_public
from tenants.models import Organization
from tests.support.subscriptions import make_subscription


def is_somebody_waiting() -> bool:
    with connection.cursor() as cursor:
        # Within a transaction the view stays as it was first seen.
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return bool(cursor.fetchone()[0])


def test_a_kept_seat_taken_by_hand_and_by_the_timer_at_once(
    committed: None, acme: Organization, member: Callable[..., Membership]
) -> None:
    row = make_subscription(acme, 2)
    actor = system_actor("tests", acme.id)
    [seat] = assign_seats(actor=actor, organization_id=acme.id, membership_ids=[member(acme).id])
    Subscription.objects.update(status=SubscriptionStatus.CANCELED, canceled_at=clock.now())

    def by_hand() -> str:
        try:
            with in_organization(acme):
                return str(revoke_seat(actor=actor, organization_id=acme.id, seat_id=seat.id).state)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as threads:
        with in_public(), transaction.atomic():
            do_end_seats_of(Subscription.objects.select_for_update(no_key=True).get(id=row.id))
            hand = threads.submit(by_hand)
            deadline = time.monotonic() + 60
            while not is_somebody_waiting() and time.monotonic() < deadline:
                time.sleep(0.02)
        assert hand.result(timeout=60) == "revoked"
    ended = SeatAssignment.objects.get()
    assert (ended.state, ended.revoked_reason) == (SeatState.REVOKED, "subscription ended")
