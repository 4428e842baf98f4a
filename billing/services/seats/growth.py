"""Buy the seats that are missing when more are assigned than are free, and give them once they are bought.

Grow there first: the change of the subscription stands in our table with whom it is for, then the gateway
sells, then the seats are given, each step once. Whoever dies in between is followed by the change's own job
and by `settle_growth`.
"""

import uuid
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import structlog
from django.db.models import Q

from billing.enums import ChangeState, SeatActKind
from billing.errors import (
    ChangeUnpaid,
    GatewayRefused,
    MembersNotFound,
    NoSubscription,
    NotManagedHere,
    PaymentsNotSetUp,
    SeatsExhausted,
    SeatsOutsidePlan,
    SubscriptionNotOpen,
)
from billing.locks import lock_live_subscription
from billing.models import SeatAct, SeatAssignment, Subscription, SubscriptionChange
from billing.policies import SEATS_MANAGE, require_in
from billing.selectors.access import seats_open
from billing.selectors.seat_settings import can_grow
from billing.services.changes.previewed import Preview, confirm_change, preview_change
from billing.services.changes.rows import billed, require_made
from billing.services.seats.alerts import do_tell_not_bought
from billing.services.seats.bulk import BulkOutcome, Growth, assign_many, record_act, to_seat
from billing.services.seats.rows import holders, insert_holdings, keep_act, lock_open_subscription
from billing.services.seats.seats import assign_seats, waits_for_seat
from shared_apps.accounts.selectors.seat_holders import may_hold_seats
from shared_apps.core import clock
from shared_apps.core.actors import Actor, ActorKind, system_actor
from shared_apps.core.transactions import entry_transaction
from shared_apps.outbox.types import Outgoing
from tenants.context import in_public

log = structlog.get_logger(__name__)

# What a change carries: whom its seats are for; then, once, the act that gave them.
FOR, GIVEN_IN, TOLD = "give_to", "given_in", "growth_told"
_AT_ONCE = 200
# What a newcomer goes without a seat for; anything else is tried again.
_NO_SEAT = (
    SeatsExhausted,
    ChangeUnpaid,
    GatewayRefused,
    MembersNotFound,
    NoSubscription,
    SubscriptionNotOpen,
)


def assign_or_grow(
    *,
    actor: Actor,
    organization_id: uuid.UUID,
    membership_ids: Sequence[uuid.UUID] | None,
    reason: str = "",
    dry_run: bool = False,
) -> BulkOutcome:
    """Give all of the members a seat, and buy exactly those that are missing, where the plan and the
    organization have it so (`overuse`, the settings `seat_growth` and `seat_growth_most`).

    Args:
        membership_ids: whom; None for everyone who has none.
        dry_run: only tell what would come of it and what it would cost.

    Returns:
        what was done. While the purchase is on its way `growth.change` is `requested` and nobody has been
        given a seat; a job goes on with it.

    Raises:
        SeatsExhausted: fewer are free than needed and none are bought.
        ChangeUnderWay: another change is on its way.
        ChangeUnpaid, GatewayRefused: nothing was bought and nobody got a seat.
        GatewayUnavailable: the price is not known; try again.
        MembersNotFound, NoSubscription, SubscriptionNotOpen: see `assign_many`.
    """
    try:
        return assign_many(
            actor=actor,
            organization_id=organization_id,
            membership_ids=membership_ids,
            reason=reason,
            dry_run=dry_run,
        )
    except SeatsExhausted as error:
        short = error
    needed, unchanged, target = _to_buy(actor, organization_id, membership_ids, short)
    try:
        preview = preview_change(actor=actor, organization_id=organization_id, seats=target)
    except (SeatsOutsidePlan, NotManagedHere, PaymentsNotSetUp) as error:
        raise short from error
    growth = _growth_of(preview)
    if dry_run:
        return BulkOutcome(None, changed=len(needed), unchanged=unchanged, free=0, growth=growth)
    facts = {FOR: [str(identifier) for identifier in needed], "reason": reason}
    change = confirm_change(actor=actor, organization_id=organization_id, token=preview.token, facts=facts)
    growth = replace(growth, change=change)
    given = give_grown_seats(change.id)
    require_made(change)
    if given is None:
        return BulkOutcome(None, changed=0, unchanged=unchanged, free=0, growth=growth)
    return replace(given, unchanged=unchanged, growth=growth)


def assign_seats_or_grow(
    *, actor: Actor, organization_id: uuid.UUID, membership_ids: Sequence[uuid.UUID]
) -> list[SeatAssignment] | BulkOutcome:
    """Give each of the members a seat as `assign_seats` does, missing ones bought as by `assign_or_grow`.

    Returns:
        the holdings; or the outcome as it stands, while the purchase is on its way.
    """
    few: dict[str, Any] = {
        "actor": actor,
        "organization_id": organization_id,
        "membership_ids": membership_ids,
    }
    try:
        return assign_seats(**few)
    except SeatsExhausted:
        outcome = assign_or_grow(**few)
    return outcome if outcome.act is None else assign_seats(**few)


def on_newcomer(message: Outgoing) -> None:
    """Give somebody who joined the seat they wait for, bought if need be: if they wait still. The gateway may
    have been away for hours, in which somebody decided otherwise.

    Raises:
        GatewayUnavailable, ChangeUnderWay: tried again.
    """
    organization_id = message.organization_id
    assert organization_id is not None  # noqa: S101  written with it
    member_id = uuid.UUID(message.payload["member_id"])
    if not waits_for_seat(organization_id=organization_id, membership_id=member_id):
        return
    actor = system_actor("seats.auto_assign", organization_id)
    try:
        assign_or_grow(
            actor=actor,
            organization_id=organization_id,
            membership_ids=[member_id],
        )
    except _NO_SEAT as error:
        log.info("newcomer_without_seat", organization=str(organization_id), code=error.code)


def give_grown_seats(change_id: uuid.UUID) -> BulkOutcome | None:
    """Give the seats of a change that was made to whom it was for, once; None when there is nothing to give.

    Seats that others took meanwhile are not taken from them: then the last ones named get none. Where nothing
    was bought, the administrators are told.
    """
    with in_public(), entry_transaction():
        organization_id = SubscriptionChange.objects.values_list("organization_id", flat=True).get(
            id=change_id
        )
        # In the order in which the gateway's messages lock: the subscription, then the change.
        subscription = lock_live_subscription(organization_id)
        change = SubscriptionChange.objects.select_for_update(no_key=True).get(id=change_id)
        if FOR not in change.facts or GIVEN_IN in change.facts:
            return None
        if change.state in (ChangeState.UNPAID, ChangeState.FAILED):
            _do_tell(change)
            return None
        if change.state != ChangeState.CONFIRMED:
            return None
        if subscription is None or subscription.id != change.subscription_id:
            _note(change, **{GIVEN_IN: ""})
            return None
        if not seats_open(subscription, clock.now()):
            return None  # behind with a payment since; when that is settled
        return _do_give(subscription, change)


def settle_growth() -> int:
    """Give the seats of changes that were made meanwhile, and tell of those that were not; return how many
    were looked at. Safe to run twice, at once too."""
    waiting = (
        SubscriptionChange.objects.filter(facts__has_key=FOR)
        .exclude(facts__has_key=GIVEN_IN)
        .filter(
            Q(state=ChangeState.CONFIRMED)
            | Q(state__in=(ChangeState.UNPAID, ChangeState.FAILED)) & ~Q(facts__has_key=TOLD)
        )
        .order_by("id")
    )
    found = list(waiting.values_list("id", flat=True)[:_AT_ONCE])
    for identifier in found:
        give_grown_seats(identifier)
    return len(found)


# --- Inside ------------------------------------------------------------------------------------


def _to_buy(
    actor: Actor,
    organization_id: uuid.UUID,
    membership_ids: Sequence[uuid.UUID] | None,
    short: SeatsExhausted,
) -> tuple[list[uuid.UUID], int, int]:
    """Return who needs a seat, how many have one, and the number of seats to pay for afterwards.

    Raises:
        SeatsExhausted: none are bought here, or not so many.
    """
    with entry_transaction():
        require_in(actor, SEATS_MANAGE, organization_id)
        subscription = lock_open_subscription(organization_id)
        if not can_grow(subscription, needed=0):
            raise short
        joined, unchanged = to_seat(subscription, membership_ids)
        if not can_grow(subscription, needed=len(joined)):
            raise short
        target = subscription.used + len(joined) - subscription.comped
        if target <= billed(subscription):  # a smaller number is planned, or seats came free this moment
            raise short
    return list(joined), unchanged, target


def _growth_of(preview: Preview) -> Growth:
    return Growth(
        seats=preview.to_seats - preview.from_seats,
        total_minor=preview.total_minor,
        due_minor=preview.due_minor,
        currency=preview.currency,
    )


def _do_give(subscription: Subscription, change: SubscriptionChange) -> BulkOutcome:
    wanted = [uuid.UUID(found) for found in change.facts[FOR]]
    held = holders(subscription, wanted)
    joined = may_hold_seats(organization_id=change.organization_id, membership_ids=wanted)
    able = [identifier for identifier in wanted if identifier in joined and identifier not in held]
    given = {identifier: joined[identifier] for identifier in able[: max(0, subscription.free)]}
    actor = Actor(
        kind=ActorKind.SYSTEM,
        user_id=change.requested_by_id,
        organization_id=change.organization_id,
        label="system:seats.growth",
    )
    act = SeatAct(kind=SeatActKind.ASSIGN, reason=change.facts.get("reason", ""))
    insert_holdings(subscription, given, actor=actor, act_id=act.id)
    keep_act(act, subscription=subscription, actor=actor, membership_ids=list(given))
    record_act(actor=actor, act=act, action="seats.grow", changed=len(given))
    left_out = [str(identifier) for identifier in able[len(given) :]]
    _note(change, **{GIVEN_IN: str(act.id), "left_out": left_out})
    if left_out:
        log.warning("grown_seats_short", change=str(change.id), left_out=len(left_out))
    return BulkOutcome(act, changed=len(given), free=subscription.free)


def _do_tell(change: SubscriptionChange) -> None:
    if change.facts.get(TOLD) != change.state:
        do_tell_not_bought(change)
    facts = {TOLD: change.state}
    if change.state == ChangeState.FAILED:
        facts[GIVEN_IN] = ""  # for good
    _note(change, **facts)


def _note(change: SubscriptionChange, **facts: Any) -> None:
    change.facts = {**change.facts, **facts}
    change.save_fields("facts")
