"""Give and take thousands of seats in one call: few statements, one transaction, kept so as to be undone."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from billing.enums import SeatActKind, SeatEnding
from billing.errors import MembersNotFound, NoSubscription, SeatNotHeld, SeatsExhausted
from billing.locks import lock_live_subscription
from billing.models import SeatAct, SeatAssignment, Subscription, SubscriptionChange
from billing.policies import SEATS_MANAGE, require_in
from billing.selectors.seat_rules import is_move, refusal_of, rules_of
from billing.selectors.seats import seats_free
from billing.services.seats.rows import (
    end_holdings,
    holders,
    insert_holdings,
    keep_act,
    live_seats,
    lock_open_subscription,
)
from shared_apps.accounts.selectors.seat_holders import may_hold_seats
from shared_apps.audit.services import do_record
from shared_apps.core.actors import Actor
from shared_apps.core.errors import DomainError
from shared_apps.core.transactions import entry_transaction, require_transaction

_NAMED_AT_MOST = 100


@dataclass(frozen=True, slots=True)
class RowRefusal:
    """One member to whom the act does not apply, and why: a code of the API with its facts."""

    membership_id: uuid.UUID
    code: str
    facts: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Growth:
    """Seats that are bought so that an act fits. Sums in minor units of `currency`.

    Attributes:
        seats: how many are bought.
        due_minor: what is charged at once, after credit and discounts, tax in it.
        change: the change of the subscription; None as long as it is only shown.
    """

    seats: int
    total_minor: int
    due_minor: int
    currency: str
    change: SubscriptionChange | None = None


@dataclass(frozen=True, slots=True)
class BulkOutcome:
    """What an act on many seats did, or would do.

    Attributes:
        act: the stored act, by which it is undone; None when nothing was changed.
        changed: seats given, or taken.
        unchanged: members who have what was asked for already.
        refused: members left out, in the order they were named.
        free: seats nobody holds afterwards.
        growth: what was, or would be, bought for it; None for nothing.
    """

    act: SeatAct | None
    changed: int
    free: int
    unchanged: int = 0
    refused: tuple[RowRefusal, ...] = ()
    growth: Growth | None = None


# --- Entry services ----------------------------------------------------------------------------


def assign_many(
    *,
    actor: Actor,
    organization_id: uuid.UUID,
    membership_ids: Sequence[uuid.UUID] | None,
    reason: str = "",
    dry_run: bool = False,
) -> BulkOutcome:
    """Give all of the members a seat, or none of them.

    Args:
        membership_ids: whom; None for everyone who has none.
        dry_run: only tell what would come of it; refusals are the same.

    Raises:
        SeatsExhausted: fewer are free than needed; facts `seats_free`, `seats_needed`.
        MembersNotFound: some are not of this organization, or may not hold a seat; a hundred are named.
        NoSubscription, SubscriptionNotOpen: there are no seats to give.
    """
    with entry_transaction():
        require_in(actor, SEATS_MANAGE, organization_id)
        subscription = lock_open_subscription(organization_id)
        joined, unchanged = to_seat(subscription, membership_ids)
        if len(joined) > subscription.free:
            raise SeatsExhausted(seats_free=subscription.free, seats_needed=len(joined))
        if dry_run or not joined:
            free = subscription.free - len(joined)
            return BulkOutcome(None, changed=len(joined), unchanged=unchanged, free=free)
        act = SeatAct(kind=SeatActKind.ASSIGN, reason=reason)
        insert_holdings(subscription, joined, actor=actor, act_id=act.id)
        keep_act(act, subscription=subscription, actor=actor, membership_ids=list(joined))
        record_act(actor=actor, act=act, action="seats.bulk_assign", changed=len(joined))
        return BulkOutcome(act, changed=len(joined), unchanged=unchanged, free=subscription.free)


def revoke_many(
    *,
    actor: Actor,
    organization_id: uuid.UUID,
    membership_ids: Sequence[uuid.UUID] | None,
    reason: str = "",
    dry_run: bool = False,
) -> BulkOutcome:
    """Take the seats of all members from whom the plan lets them be taken now; the others keep theirs.

    Where the moves of the year do not suffice for all, those named first come first.

    Args:
        membership_ids: whose; None for everyone's, the longest-held first.
        dry_run: only tell what would come of it.

    Raises:
        NoSubscription: nobody holds a seat.
    """
    with entry_transaction():
        require_in(actor, SEATS_MANAGE, organization_id)
        subscription = lock_live_subscription(organization_id)
        if subscription is None:
            raise NoSubscription
        moved, freed, refused = _to_take(subscription, membership_ids)
        taken = [seat.membership_id for seat in (*moved, *freed)]
        if dry_run or not taken:
            free = subscription.free + len(taken)
            return BulkOutcome(None, changed=len(taken), refused=tuple(refused), free=free)
        act = SeatAct(kind=SeatActKind.REVOKE, reason=reason)
        for seats, ending in ((moved, SeatEnding.MOVED), (freed, SeatEnding.FREED)):
            end_holdings(subscription, seats, actor=actor, reason=reason, ending=ending, act_id=act.id)
        keep_act(act, subscription=subscription, actor=actor, membership_ids=taken)
        record_act(actor=actor, act=act, action="seats.bulk_revoke", changed=len(taken))
        return BulkOutcome(act, changed=len(taken), refused=tuple(refused), free=subscription.free)


# --- Steps -------------------------------------------------------------------------------------


def do_lock_free_seats(*, organization_id: uuid.UUID) -> int:
    """Lock the live subscription and return how many seats could be assigned until the commit; 0 without one.

    The lock comes before every other one of a bulk step, as in every seat command.
    """
    require_transaction()
    if lock_live_subscription(organization_id) is None:
        return 0
    return seats_free(organization_id=organization_id)


def record_act(*, actor: Actor, act: SeatAct, action: str, changed: int) -> None:
    """Write the act into the audit log: whom it was about stands in the act."""
    do_record(
        actor=actor,
        action=action,
        organization_id=act.organization_id,
        target=act,
        changes={"seats": changed, "reason": act.reason},
    )


def row_refusal(membership_id: uuid.UUID, error: DomainError) -> RowRefusal:
    """Return the refusal of one row in the words of the error that it would have been alone."""
    return RowRefusal(membership_id, error.code, error.facts)


def to_seat(
    subscription: Subscription, membership_ids: Sequence[uuid.UUID] | None
) -> tuple[dict[uuid.UUID, bool], int]:
    """Return who needs a seat, each with "has joined", and how many hold one already."""
    organization_id = subscription.organization_id
    if membership_ids is None:
        held = holders(subscription)
        everyone = may_hold_seats(organization_id=organization_id, membership_ids=None)
        joined = {identifier: joined for identifier, joined in everyone.items() if identifier not in held}
        return joined, len(everyone) - len(joined)
    wanted = list(dict.fromkeys(membership_ids))
    held = holders(subscription, wanted)
    needed = [identifier for identifier in wanted if identifier not in held]
    found = may_hold_seats(organization_id=organization_id, membership_ids=needed)
    unknown = [str(identifier) for identifier in needed if identifier not in found]
    if unknown:
        raise MembersNotFound(members=unknown[:_NAMED_AT_MOST], number=len(unknown))
    return {identifier: found[identifier] for identifier in needed}, len(held)


# --- Inside ------------------------------------------------------------------------------------


def _to_take(
    subscription: Subscription, membership_ids: Sequence[uuid.UUID] | None
) -> tuple[list[SeatAssignment], list[SeatAssignment], list[RowRefusal]]:
    """Return the seats that move, those taken before they were used, and the members left out."""
    rules = rules_of(subscription)
    held = {seat.membership_id: seat for seat in live_seats(subscription, membership_ids)}
    moved: list[SeatAssignment] = []
    freed: list[SeatAssignment] = []
    refused: list[RowRefusal] = []
    for identifier in held if membership_ids is None else dict.fromkeys(membership_ids):
        seat = held.get(identifier)
        if seat is None:
            refused.append(row_refusal(identifier, SeatNotHeld(member=str(identifier))))
            continue
        refusal = refusal_of(rules, seat, moved_before=len(moved))
        if refusal is not None:
            refused.append(row_refusal(identifier, refusal))
        else:
            (moved if is_move(seat) else freed).append(seat)
    return moved, freed, refused
