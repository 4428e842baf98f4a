"""Undo an act on many seats: what it did is told from the rows that name it."""

import uuid

from billing.enums import SeatActKind, SeatEnding, SeatState
from billing.errors import ActUndone, MembersNotFound, SeatNotHeld, SeatsExhausted, UndoOver
from billing.locks import lock_live_subscription
from billing.models import SeatAct, SeatAssignment, Subscription
from billing.policies import SEATS_MANAGE, require_in
from billing.services.seats.bulk import BulkOutcome, RowRefusal, record_act, row_refusal
from billing.services.seats.rows import (
    check_open,
    end_holdings,
    holders,
    insert_holdings,
    keep_act,
)
from shared_apps.accounts.selectors.seat_holders import may_hold_seats
from shared_apps.core import clock
from shared_apps.core.actors import Actor
from shared_apps.core.errors import NotFound
from shared_apps.core.transactions import entry_transaction


def undo_act(*, actor: Actor, organization_id: uuid.UUID, act_id: uuid.UUID) -> BulkOutcome:
    """Undo an act on many seats, once, while its time runs.

    Seats that it gave are taken from those who still hold them; the plan's rules on moves do not stand
    against that. Seats that it took are given back to those who may still hold one and have none, in the
    order of the act and as far as seats suffice; what comes back was no move.

    Raises:
        NotFound: the organization has no such act.
        ActUndone: it was undone before.
        UndoOver: its time is over, its subscription is, or it is an undoing itself.
        SubscriptionNotOpen: seats cannot be given back now.
    """
    with entry_transaction():
        require_in(actor, SEATS_MANAGE, organization_id)
        subscription = lock_live_subscription(organization_id)
        # Read under the lock: of two at once the second finds it undone.
        act = SeatAct.objects.filter(organization_id=organization_id, id=act_id).first()
        if act is None:
            raise NotFound(act=str(act_id))
        if act.undone_at is not None:
            raise ActUndone(undone_at=act.undone_at.isoformat())
        if act.undo_until <= clock.now() or subscription is None or act.subscription_id != subscription.id:
            raise UndoOver(undo_until=act.undo_until.isoformat())
        undo = SeatAct(kind=SeatActKind.UNDO, undoes=act, reason=act.reason)
        step = _take_back if act.kind == SeatActKind.ASSIGN else _give_back
        changed, refused = step(actor, subscription, act, undo)
        act.undone_at = clock.now()
        act.save_fields("undone_at")
        keep_act(undo, subscription=subscription, actor=actor, membership_ids=changed)
        record_act(actor=actor, act=undo, action="seats.undo", changed=len(changed))
        return BulkOutcome(undo, changed=len(changed), refused=tuple(refused), free=subscription.free)


def _take_back(
    actor: Actor, subscription: Subscription, act: SeatAct, undo: SeatAct
) -> tuple[list[uuid.UUID], list[RowRefusal]]:
    given = SeatAssignment.objects.filter(subscription=subscription, given_in_id=act.id)
    live = list(given.exclude(state=SeatState.REVOKED).order_by("id"))
    end_holdings(subscription, live, actor=actor, reason="undone", ending=SeatEnding.UNDONE, act_id=undo.id)
    taken = {seat.membership_id for seat in live}
    gone = [uuid.UUID(found) for found in act.membership_ids if uuid.UUID(found) not in taken]
    refused = [row_refusal(identifier, SeatNotHeld(member=str(identifier))) for identifier in gone]
    return [seat.membership_id for seat in live], refused


def _give_back(
    actor: Actor, subscription: Subscription, act: SeatAct, undo: SeatAct
) -> tuple[list[uuid.UUID], list[RowRefusal]]:
    check_open(subscription)
    before = dict(
        SeatAssignment.objects.filter(subscription=subscription, taken_in_id=act.id)
        .order_by()
        .values_list("membership_id", "id")
    )
    wanted = [uuid.UUID(found) for found in act.membership_ids]
    held = holders(subscription, wanted)
    joined = may_hold_seats(organization_id=subscription.organization_id, membership_ids=wanted)
    back: dict[uuid.UUID, bool] = {}
    refused: list[RowRefusal] = []
    for identifier in wanted:
        if identifier in held:
            continue  # has one again already
        if identifier not in joined:
            refused.append(row_refusal(identifier, MembersNotFound(members=[str(identifier)])))
        elif len(back) >= subscription.free:
            refused.append(row_refusal(identifier, SeatsExhausted(seats_free=0, seats_needed=1)))
        else:
            back[identifier] = joined[identifier]
    insert_holdings(subscription, back, actor=actor, act_id=undo.id, follows=before)
    return list(back), refused
