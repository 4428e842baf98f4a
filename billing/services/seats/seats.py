"""Assign, claim, revoke and hand on seats.

Every command locks the live subscription first. The counter of used seats is moved by the database and
checked by it, so an over-allocation is impossible even for code that forgets the lock.
"""

import uuid
from collections.abc import Iterable, Sequence

from billing.enums import BY_HAND, SeatActKind, SeatEnding, SeatState
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
from billing.models import SeatAct, SeatAssignment, Subscription
from billing.policies import SEATS_CLAIM, SEATS_MANAGE, require_in
from billing.selectors.seat_rules import is_move, refusal_of, rules_of
from billing.selectors.seat_settings import can_grow
from billing.selectors.seats import list_holdings
from billing.services.seats.rows import (
    end_holdings,
    insert_holdings,
    keep_act,
    live_seats,
    lock_open_subscription,
)
from shared_apps.accounts.selectors.seat_holders import may_hold_seats
from shared_apps.audit.services import do_record
from shared_apps.core import clock
from shared_apps.core.actors import Actor, system_actor
from shared_apps.core.errors import NotFound
from shared_apps.core.transactions import entry_transaction, require_transaction
from shared_apps.outbox.services.messages import Message, do_send
from tenants.selectors.organizations import get_setting

# A newcomer waits for a seat that has to be bought.
GROW_TOPIC = "seats.grow"

# --- Entry services ----------------------------------------------------------------------------


def assign_seats(
    *, actor: Actor, organization_id: uuid.UUID, membership_ids: Sequence[uuid.UUID]
) -> list[SeatAssignment]:
    """Give each of the members a seat, or nobody one. Who holds one already keeps it.

    Several at once are an act that can be undone; the holdings it gave name it.

    Raises:
        SeatsExhausted, NoSubscription, SubscriptionNotOpen, MembersNotFound: see `do_assign_seats`.
    """
    with entry_transaction():
        require_in(actor, SEATS_MANAGE, organization_id)
        act = SeatAct(kind=SeatActKind.ASSIGN) if len(membership_ids) > 1 else None
        seats = do_assign_seats(
            actor=actor,
            organization_id=organization_id,
            membership_ids=membership_ids,
            act_id=act.id if act else None,
        )
        given = [seat for seat in seats if act is not None and seat.given_in_id == act.id]
        if act is not None and given:
            members = [seat.membership_id for seat in given]
            keep_act(act, subscription=given[0].subscription, actor=actor, membership_ids=members)
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
        SeatCooling, MovesExhausted: the plan does not let a seat in use move now.
    """
    with entry_transaction():
        require_in(actor, SEATS_MANAGE, organization_id)
        subscription, seat = _lock_holding(organization_id, seat_id)
        if seat.state == SeatState.REVOKED:  # the member may hold a newer seat, which is not meant
            return seat
        _end_by_hand(subscription, seat, actor, reason)
        _audit(actor, "seats.revoke", organization_id, seat=seat, reason=reason)
    return seat


def reassign_seat(
    *, actor: Actor, organization_id: uuid.UUID, seat_id: uuid.UUID, to_membership_id: uuid.UUID
) -> SeatAssignment:
    """Hand a held seat to another member; works when every seat is taken.

    Raises:
        NotFound: no such holding in the organization.
        SeatNotHeld, SeatAlreadyHeld, SeatCooling, MovesExhausted: see `do_reassign_seat`.
    """
    with entry_transaction():
        require_in(actor, SEATS_MANAGE, organization_id)
        _, seat = _lock_holding(organization_id, seat_id)
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
    *,
    actor: Actor,
    organization_id: uuid.UUID,
    membership_ids: Sequence[uuid.UUID],
    act_id: uuid.UUID | None = None,
) -> list[SeatAssignment]:
    """Give seats in an open transaction: all or none. Members who hold one keep it and are returned with it.

    A member who has joined gets an active seat, an invited one a seat that becomes active on joining.

    Args:
        act_id: the act on many seats that gives them, None where it is none.

    Returns:
        the live holdings, in the order of `membership_ids` without repeats.

    Raises:
        NoSubscription: there is no live one.
        SubscriptionNotOpen: its status or end does not allow new seats.
        MembersNotFound: a membership is not of this organization, or is suspended or removed.
        SeatsExhausted: fewer free seats than needed; facts `seats_free`, `seats_needed`.
    """
    require_transaction()
    subscription = lock_open_subscription(organization_id)
    wanted = list(dict.fromkeys(membership_ids))
    held = {seat.membership_id: seat for seat in live_seats(subscription, wanted)}
    needed = [identifier for identifier in wanted if identifier not in held]
    joined = may_hold_seats(organization_id=organization_id, membership_ids=needed)
    unknown = [str(identifier) for identifier in needed if identifier not in joined]
    if unknown:
        raise MembersNotFound(members=unknown)
    if len(needed) > subscription.free:
        raise SeatsExhausted(seats_free=subscription.free, seats_needed=len(needed))
    if needed:
        given = {identifier: joined[identifier] for identifier in needed}
        insert_holdings(subscription, given, actor=actor, act_id=act_id)
        held |= {seat.membership_id: seat for seat in live_seats(subscription, needed)}
    return [held[identifier] for identifier in wanted]


def do_revoke_seats(
    *, actor: Actor, organization_id: uuid.UUID, membership_ids: Iterable[uuid.UUID], reason: str
) -> list[SeatAssignment]:
    """End the holdings of members who leave, in an open transaction; return those that were live.

    Members without a seat are left alone, so a repeat does nothing. No rule of the plan stands against it.
    """
    require_transaction()
    subscription = lock_live_subscription(organization_id)
    if subscription is None:
        return []
    seats = live_seats(subscription, list(membership_ids))
    end_holdings(subscription, seats, actor=actor, reason=reason, ending=SeatEnding.LEFT)
    return seats


def do_end_holdings(*, actor: Actor, seats: Sequence[SeatAssignment], reason: str) -> None:
    """Revoke live holdings whose subscription is locked and ends with them, in one statement."""
    require_transaction()
    end_holdings(None, seats, actor=actor, reason=reason, ending="")


def do_activate_seat(*, organization_id: uuid.UUID, membership_id: uuid.UUID | None) -> bool:
    """Mark the member's seat active, called when an invited member joins; return whether there was one.

    It takes the lock of the seats in any case, so that what follows may give one (`do_seat_newcomer`).
    """
    require_transaction()
    subscription = lock_live_subscription(organization_id)
    if subscription is None or membership_id is None:
        return False
    instant = clock.now()
    changed = SeatAssignment.objects.filter(
        subscription=subscription, membership_id=membership_id, state=SeatState.INVITED
    ).update(state=SeatState.ACTIVE, activated_at=instant, updated_at=instant)
    return bool(changed)


def do_seat_newcomer(*, organization_id: uuid.UUID, membership_id: uuid.UUID) -> bool:
    """Give a seat to somebody who has just joined, where the organization's setting `seat_auto_assign` says
    so; return whether they got one. That there is none never keeps anybody from joining; where missing seats
    are bought, that follows by itself.

    Nobody gets one whose last seat was taken from them by hand: somebody meant that.
    """
    require_transaction()
    if not get_setting(organization_id=organization_id, name="seat_auto_assign", default=False):
        return False
    try:
        subscription = lock_open_subscription(organization_id)
    except (NoSubscription, SubscriptionNotOpen):
        return False
    if not _is_free_to_have_one(organization_id, membership_id):
        return False
    joined = may_hold_seats(organization_id=organization_id, membership_ids=[membership_id])
    if not joined:
        return False
    if subscription.free < 1:
        if can_grow(subscription, needed=1):
            message = Message(GROW_TOPIC, {"member_id": str(membership_id)})
            do_send([message], organization_id=organization_id)
        return False
    actor = system_actor("seats.auto_assign", organization_id)
    insert_holdings(subscription, joined, actor=actor)
    _audit(actor, "seats.auto_assign", organization_id, members=[str(membership_id)])
    return True


def waits_for_seat(*, organization_id: uuid.UUID, membership_id: uuid.UUID) -> bool:
    """Tell whether a member is to be given a seat by itself: the organization has it so, they hold none, and
    nobody took their last one by hand."""
    if not get_setting(organization_id=organization_id, name="seat_auto_assign", default=False):
        return False
    return _is_free_to_have_one(organization_id, membership_id)


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
        SeatCooling, MovesExhausted: the plan does not let a seat in use move now.
        MembersNotFound, NoSubscription, SubscriptionNotOpen: see `do_assign_seats`.
    """
    require_transaction()
    subscription = lock_open_subscription(organization_id)
    held = {
        seat.membership_id: seat for seat in live_seats(subscription, [from_membership_id, to_membership_id])
    }
    if to_membership_id in held:
        raise SeatAlreadyHeld(member=str(to_membership_id))
    if from_membership_id not in held:
        raise SeatNotHeld(member=str(from_membership_id))
    before = held[from_membership_id]
    joined = may_hold_seats(organization_id=organization_id, membership_ids=[to_membership_id])
    if not joined:
        raise MembersNotFound(members=[str(to_membership_id)])
    _end_by_hand(subscription, before, actor, "reassigned")
    insert_holdings(subscription, joined, actor=actor, follows={to_membership_id: before.id})
    return live_seats(subscription, [to_membership_id])[0]


# --- Inside ------------------------------------------------------------------------------------


def _is_free_to_have_one(organization_id: uuid.UUID, membership_id: uuid.UUID) -> bool:
    seats = SeatAssignment.objects.filter(organization_id=organization_id, membership_id=membership_id)
    last = seats.order_by("-id").first()
    return last is None or (last.state == SeatState.REVOKED and last.ending not in BY_HAND)


def _end_by_hand(subscription: Subscription, seat: SeatAssignment, actor: Actor, reason: str) -> None:
    """Take a live seat from its holder as far as the plan lets it move.

    Raises:
        SeatCooling, MovesExhausted: it does not now.
    """
    ending = SeatEnding.FREED
    if is_move(seat):
        refusal = refusal_of(rules_of(subscription), seat)
        if refusal is not None:
            raise refusal
        ending = SeatEnding.MOVED
    end_holdings(subscription, [seat], actor=actor, reason=reason, ending=ending)


def _lock_holding(organization_id: uuid.UUID, seat_id: uuid.UUID) -> tuple[Subscription, SeatAssignment]:
    """Read a holding after taking the lock its change needs, so that what is read stays true.

    Raises:
        NotFound: no such holding in the organization.
    """
    live = lock_live_subscription(organization_id)
    seat = list_holdings(organization_id=organization_id).filter(id=seat_id).first()
    if seat is None:
        raise NotFound(seat=str(seat_id))
    if live is not None and live.id == seat.subscription_id:
        return live, seat
    # Of one that is over people keep their seats for a while, until they are carried over or ended.
    former = Subscription.objects.select_for_update(of=("self",), no_key=True).get(id=seat.subscription_id)
    seat.refresh_from_db()
    return former, seat


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
