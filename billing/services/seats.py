"""Assign, claim, revoke and hand on seats.

Every command locks the live subscription first. The counter of used seats is moved by the database and
checked by it, so an over-allocation is impossible even for code that forgets the lock.
"""

import uuid
from collections.abc import Iterable, Sequence

from django.db import IntegrityError, transaction
from psycopg.errors import CheckViolation

from billing.enums import CLAIMABLE, SeatState
from billing.errors import (
    MembersNotFound,
    NoSubscription,
    SeatAlreadyHeld,
    SeatNotHeld,
    SeatsExhausted,
    SelfClaimOff,
    SubscriptionNotOpen,
)
from billing.locks import lock_live_subscription
from billing.models import SeatAssignment, Subscription
from billing.policies import SEATS_CLAIM, SEATS_MANAGE, require_in
from billing.selectors.seats import list_holdings
from shared_apps.accounts.selectors.seat_holders import may_hold_seats
from shared_apps.audit.services import do_record
from shared_apps.core import clock
from shared_apps.core.actors import Actor
from shared_apps.core.errors import NotFound
from shared_apps.core.transactions import entry_transaction, require_transaction
from tenants.selectors.organizations import get_setting

_ROWS_IN_ONE_STATEMENT = 2000


# --- Entry services ----------------------------------------------------------------------------


def assign_seats(
    *, actor: Actor, organization_id: uuid.UUID, membership_ids: Sequence[uuid.UUID]
) -> list[SeatAssignment]:
    """Give each of the members a seat, or nobody one. Who holds one already keeps it.

    Raises:
        SeatsExhausted, NoSubscription, SubscriptionNotOpen, MembersNotFound: see `do_assign_seats`.
    """
    with entry_transaction():
        require_in(actor, SEATS_MANAGE, organization_id)
        seats = do_assign_seats(actor=actor, organization_id=organization_id, membership_ids=membership_ids)
        _audit(actor, "seats.assign", organization_id, members=[str(seat.membership_id) for seat in seats])
    return seats


def claim_seat(*, actor: Actor, organization_id: uuid.UUID) -> SeatAssignment:
    """Take a seat for oneself, where the organization lets its people do that (it does unless it says no).

    Raises:
        SelfClaimOff: the setting `seat_self_claim` is off.
        SeatsExhausted, NoSubscription, SubscriptionNotOpen: see `do_assign_seats`.
    """
    with entry_transaction():
        require_in(actor, SEATS_CLAIM, organization_id)
        if not get_setting(organization_id=organization_id, name="seat_self_claim", default=True):
            raise SelfClaimOff
        [seat] = do_assign_seats(
            actor=actor, organization_id=organization_id, membership_ids=[actor.member_id]
        )
        _audit(actor, "seats.claim", organization_id, seat=seat)
    return seat


def revoke_seat(
    *, actor: Actor, organization_id: uuid.UUID, seat_id: uuid.UUID, reason: str = ""
) -> SeatAssignment:
    """End one holding; the row stays as history. Revoking it again changes nothing.

    Raises:
        NotFound: no such holding in the organization.
    """
    with entry_transaction():
        require_in(actor, SEATS_MANAGE, organization_id)
        seat = _get_holding(organization_id, seat_id)
        if seat.state == SeatState.REVOKED:  # the member may hold a newer seat, which is not meant
            return seat
        do_end_holdings(actor=actor, seats=[seat], reason=reason)
        _audit(actor, "seats.revoke", organization_id, seat=seat, reason=reason)
        return _get_holding(organization_id, seat_id)


def reassign_seat(
    *, actor: Actor, organization_id: uuid.UUID, seat_id: uuid.UUID, to_membership_id: uuid.UUID
) -> SeatAssignment:
    """Hand a held seat to another member; works when every seat is taken.

    Raises:
        NotFound: no such holding in the organization.
        SeatNotHeld, SeatAlreadyHeld: see `do_reassign_seat`.
    """
    with entry_transaction():
        require_in(actor, SEATS_MANAGE, organization_id)
        seat = _get_holding(organization_id, seat_id)
        if seat.state == SeatState.REVOKED:
            raise SeatNotHeld(seat=str(seat_id))
        given = do_reassign_seat(
            actor=actor,
            organization_id=organization_id,
            from_membership_id=seat.membership_id,
            to_membership_id=to_membership_id,
        )
        _audit(actor, "seats.reassign", organization_id, seat=given, from_seat=str(seat_id))
    return given


# --- Steps -------------------------------------------------------------------------------------


def do_assign_seats(
    *, actor: Actor, organization_id: uuid.UUID, membership_ids: Sequence[uuid.UUID]
) -> list[SeatAssignment]:
    """Give seats in an open transaction: all or none. Members who hold one keep it and are returned with it.

    A member who has joined gets an active seat, an invited one a seat that becomes active on joining.

    Returns:
        the live holdings, in the order of `membership_ids` without repeats.

    Raises:
        NoSubscription: there is no live one.
        SubscriptionNotOpen: its status or end does not allow new seats.
        MembersNotFound: a membership is not of this organization, or is suspended or removed.
        SeatsExhausted: fewer free seats than needed; facts `seats_free`, `seats_needed`.
    """
    require_transaction()
    subscription = _lock_open_subscription(organization_id)
    wanted = list(dict.fromkeys(membership_ids))
    held = {seat.membership_id: seat for seat in _live_seats(subscription, wanted)}
    needed = [identifier for identifier in wanted if identifier not in held]
    joined = may_hold_seats(organization_id=organization_id, membership_ids=needed)
    unknown = [str(identifier) for identifier in needed if identifier not in joined]
    if unknown:
        raise MembersNotFound(members=unknown)
    if len(needed) > subscription.free:
        raise SeatsExhausted(seats_free=subscription.free, seats_needed=len(needed))
    for seat in _insert(subscription, actor, {identifier: joined[identifier] for identifier in needed}):
        held[seat.membership_id] = seat
    return [held[identifier] for identifier in wanted]


def do_revoke_seats(
    *, actor: Actor, organization_id: uuid.UUID, membership_ids: Iterable[uuid.UUID], reason: str
) -> list[SeatAssignment]:
    """End the members' holdings in an open transaction; return those that were live.

    Members without a seat are left alone, so a repeat does nothing.
    """
    require_transaction()
    subscription = lock_live_subscription(organization_id)
    if subscription is None:
        return []
    seats = _live_seats(subscription, list(membership_ids))
    do_end_holdings(actor=actor, seats=seats, reason=reason)
    return seats


def do_end_holdings(*, actor: Actor, seats: Sequence[SeatAssignment], reason: str) -> None:
    """Revoke live holdings whose subscription is locked, in one statement."""
    require_transaction()
    instant = clock.now()
    SeatAssignment.objects.filter(id__in=[seat.id for seat in seats]).update(
        state=SeatState.REVOKED,
        revoked_at=instant,
        revoked_by_id=actor.user_id,
        revoked_reason=reason[:200],
        updated_at=instant,
    )
    for seat in seats:
        seat.state, seat.revoked_at, seat.revoked_reason = SeatState.REVOKED, instant, reason[:200]


def do_activate_seat(*, organization_id: uuid.UUID, membership_id: uuid.UUID) -> bool:
    """Mark the member's seat active, called when an invited member joins; return whether there was one."""
    require_transaction()
    subscription = lock_live_subscription(organization_id)
    if subscription is None:
        return False
    instant = clock.now()
    changed = SeatAssignment.objects.filter(
        subscription=subscription, membership_id=membership_id, state=SeatState.INVITED
    ).update(state=SeatState.ACTIVE, activated_at=instant, updated_at=instant)
    return bool(changed)


def do_reassign_seat(
    *,
    actor: Actor,
    organization_id: uuid.UUID,
    from_membership_id: uuid.UUID,
    to_membership_id: uuid.UUID,
) -> SeatAssignment:
    """Revoke one member's seat and assign it to another, in one open transaction; return the new holding.

    The revocation comes first, since the database checks the counter at each statement: so a full plan can
    hand its seats on.

    Raises:
        SeatNotHeld: the first member holds no seat.
        SeatAlreadyHeld: the second one does.
        MembersNotFound, NoSubscription, SubscriptionNotOpen: see `do_assign_seats`.
    """
    require_transaction()
    subscription = _lock_open_subscription(organization_id)
    held = {
        seat.membership_id: seat for seat in _live_seats(subscription, [from_membership_id, to_membership_id])
    }
    if to_membership_id in held:
        raise SeatAlreadyHeld(member=str(to_membership_id))
    if from_membership_id not in held:
        raise SeatNotHeld(member=str(from_membership_id))
    before = held[from_membership_id]
    joined = may_hold_seats(organization_id=organization_id, membership_ids=[to_membership_id])
    if not joined:
        raise MembersNotFound(members=[str(to_membership_id)])
    do_end_holdings(actor=actor, seats=[before], reason="reassigned")
    [given] = _insert(subscription, actor, joined, follows=before)
    return given


# --- Inside ------------------------------------------------------------------------------------


def _lock_open_subscription(organization_id: uuid.UUID) -> Subscription:
    subscription = lock_live_subscription(organization_id)
    if subscription is None:
        raise NoSubscription
    is_over = subscription.ends_at is not None and subscription.ends_at <= clock.now()
    if subscription.status not in CLAIMABLE or is_over:
        raise SubscriptionNotOpen(status=subscription.status)
    return subscription


def _live_seats(subscription: Subscription, membership_ids: Sequence[uuid.UUID]) -> list[SeatAssignment]:
    rows = SeatAssignment.objects.filter(subscription=subscription, membership_id__in=membership_ids)
    return list(rows.exclude(state=SeatState.REVOKED))


def _insert(
    subscription: Subscription,
    actor: Actor,
    joined: dict[uuid.UUID, bool],
    follows: SeatAssignment | None = None,
) -> list[SeatAssignment]:
    """Insert one holding for each member; the trigger counts them.

    Raises:
        SeatsExhausted: the database's own check found too few seats.
    """
    instant = clock.now()
    rows = [
        SeatAssignment(
            subscription=subscription,
            organization_id=subscription.organization_id,
            membership_id=identifier,
            state=SeatState.ACTIVE if has_joined else SeatState.INVITED,
            activated_at=instant if has_joined else None,
            assigned_by_id=actor.user_id,
            follows=follows,
        )
        for identifier, has_joined in joined.items()
    ]
    try:
        with transaction.atomic():
            SeatAssignment.objects.bulk_create(rows, batch_size=_ROWS_IN_ONE_STATEMENT)
    except IntegrityError as error:
        # Only code that moved the counter without the lock gets here; the CHECK is the last word.
        if isinstance(error.__cause__, CheckViolation):
            raise SeatsExhausted(seats_free=subscription.free, seats_needed=len(rows)) from error
        raise
    return rows


def _get_holding(organization_id: uuid.UUID, seat_id: uuid.UUID) -> SeatAssignment:
    """Read a holding after taking the lock its change needs, so that what is read stays true.

    Raises:
        NotFound: no such holding in the organization.
    """
    lock_live_subscription(organization_id)
    seat = list_holdings(organization_id=organization_id).filter(id=seat_id).first()
    if seat is None:
        raise NotFound(seat=str(seat_id))
    return seat


def _audit(
    actor: Actor,
    action: str,
    organization_id: uuid.UUID,
    *,
    seat: SeatAssignment | None = None,
    **changes: object,
) -> None:
    if seat is not None:
        changes["member"] = str(seat.membership_id)
    do_record(actor=actor, action=action, organization_id=organization_id, target=seat, changes=changes)
