"""Rows of seats: the few statements that every seat command is made of, under the lock it took."""

import uuid
from collections.abc import Collection, Mapping, Sequence

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from psycopg.errors import CheckViolation

from billing.enums import SeatActKind, SeatEnding, SeatState
from billing.errors import NoSubscription, SeatsExhausted, SubscriptionNotOpen
from billing.locks import lock_live_subscription
from billing.models import SeatAct, SeatAssignment, Subscription
from billing.selectors.access import seats_open
from billing.services.seats.alerts import do_note_seat_use
from shared_apps.core import clock
from shared_apps.core.actors import Actor
from shared_apps.core.ids import in_one_parameter, new_id

# One statement for any number of rows: the parameters are four arrays. Written out row by row, 5,000 take
# twenty times as long.
_INSERT = """
INSERT INTO public.billing_seatassignment
       (id, created_at, updated_at, subscription_id, organization_id, membership_id, state, assigned_by_id,
        activated_at, revoked_reason, given_in_id, follows_id)
SELECT n.id, %(at)s, %(at)s, %(subscription)s, %(organization)s, n.membership_id,
       CASE WHEN n.joined THEN 'active' ELSE 'invited' END, %(by)s::uuid,
       CASE WHEN n.joined THEN %(at)s::timestamptz END, '', %(act)s::uuid, n.follows_id
  FROM unnest(%(ids)s::uuid[], %(members)s::uuid[], %(joined)s::boolean[], %(follows)s::uuid[])
       AS n (id, membership_id, joined, follows_id)
"""


def lock_open_subscription(organization_id: uuid.UUID) -> Subscription:
    """Lock the live subscription and return it if it gives new seats.

    Raises:
        NoSubscription: there is no live one.
        SubscriptionNotOpen: its status or end does not allow new seats.
    """
    subscription = lock_live_subscription(organization_id)
    if subscription is None:
        raise NoSubscription
    check_open(subscription)
    return subscription


def check_open(subscription: Subscription) -> None:
    """Refuse a locked subscription that gives no new seats.

    Raises:
        SubscriptionNotOpen: its status or end does not allow them.
    """
    if not seats_open(subscription, clock.now()):
        raise SubscriptionNotOpen(status=subscription.status)


def live_seats(
    subscription: Subscription, membership_ids: Collection[uuid.UUID] | None
) -> list[SeatAssignment]:
    """Return the live holdings of the members, or of everybody, oldest first."""
    rows = SeatAssignment.objects.filter(subscription=subscription).exclude(state=SeatState.REVOKED)
    if membership_ids is not None:
        rows = rows.filter(membership_id__in=in_one_parameter(membership_ids))
    return list(rows.order_by("id"))


def holders(
    subscription: Subscription, membership_ids: Collection[uuid.UUID] | None = None
) -> set[uuid.UUID]:
    """Return which of the members, or of everybody, hold a seat."""
    rows = SeatAssignment.objects.filter(subscription=subscription).exclude(state=SeatState.REVOKED)
    if membership_ids is not None:
        rows = rows.filter(membership_id__in=in_one_parameter(membership_ids))
    return set(rows.order_by().values_list("membership_id", flat=True))


def insert_holdings(
    subscription: Subscription,
    joined: Mapping[uuid.UUID, bool],
    *,
    actor: Actor,
    act_id: uuid.UUID | None = None,
    follows: Mapping[uuid.UUID, uuid.UUID] | None = None,
) -> list[uuid.UUID]:
    """Insert one holding for each member; the trigger counts them. Return their ids, in that order.

    Args:
        joined: membership id -> "has joined", which makes the holding active at once.
        act_id: the act on many seats that this belongs to.
        follows: membership id -> the holding that this one takes the place of.

    Raises:
        SeatsExhausted: the database's own check found too few seats.
    """
    if not joined:
        return []
    ids = [new_id() for _ in joined]
    before = follows or {}
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                _INSERT,
                {
                    "at": clock.now(),
                    "subscription": subscription.id,
                    "organization": subscription.organization_id,
                    "by": actor.user_id,
                    "act": act_id,
                    "ids": ids,
                    "members": list(joined),
                    "joined": list(joined.values()),
                    "follows": [before.get(identifier) for identifier in joined],
                },
            )
    except IntegrityError as error:
        # Only code that moved the counter without the lock gets here; the CHECK is the last word.
        if isinstance(error.__cause__, CheckViolation):
            raise SeatsExhausted(seats_free=subscription.free, seats_needed=len(ids)) from error
        raise
    subscription.used += len(ids)  # as the trigger left it; not among the fields anybody writes
    do_note_seat_use(subscription)
    return ids


def end_holdings(
    subscription: Subscription | None,
    seats: Sequence[SeatAssignment],
    *,
    actor: Actor,
    reason: str,
    ending: SeatEnding | str,
    act_id: uuid.UUID | None = None,
) -> None:
    """Revoke live holdings whose subscription is locked, in one statement; the rows are changed with it."""
    if not seats:
        return
    facts = {
        "state": SeatState.REVOKED,
        "revoked_at": clock.now(),
        "revoked_by_id": actor.user_id,
        "revoked_reason": reason[:200],
        "ending": str(ending),
        "taken_in_id": act_id,
    }
    SeatAssignment.objects.filter(id__in=in_one_parameter(seat.id for seat in seats)).update(
        **facts, updated_at=facts["revoked_at"]
    )
    for seat in seats:
        for name, value in facts.items():
            setattr(seat, name, value)
    if subscription is not None:
        subscription.used -= len(seats)


def keep_act(
    act: SeatAct, *, subscription: Subscription, actor: Actor, membership_ids: Sequence[uuid.UUID]
) -> SeatAct:
    """Store an act on many seats, to be undone within SEAT_UNDO_WINDOW; an undoing is not undone."""
    act.subscription, act.organization_id = subscription, subscription.organization_id
    act.membership_ids = [str(identifier) for identifier in membership_ids]
    act.acted_by_id = actor.user_id
    act.undo_until = act.created_at
    if act.kind != SeatActKind.UNDO:
        act.undo_until += settings.SEAT_UNDO_WINDOW
    act.save(force_insert=True)
    return act
