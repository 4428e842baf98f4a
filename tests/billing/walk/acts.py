"""What can happen in the walk. An act returns whether it came about; a refusal is an answer, too."""

import uuid
from collections.abc import Callable
from datetime import timedelta

from django.db import transaction

from billing.enums import ChangeState, Interval, SeatState
from billing.models import SeatAct, SeatAssignment, SubscriptionChange, SubscriptionInvoice
from billing.services.changes.acts import (
    cancel_at_period_end,
    end_now,
    keep_subscription,
    pause_subscription,
    resume_subscription,
)
from billing.services.changes.making import make_change
from billing.services.changes.previewed import confirm_change, preview_change
from billing.services.changes.terms import schedule_seats
from billing.services.customers.checkouts import start_checkout
from billing.services.customers.invoices import pay_invoice
from billing.services.operators.comps import comp_seats
from billing.services.seats.acts import undo_act
from billing.services.seats.bulk import assign_many, revoke_many
from billing.services.seats.seats import (
    assign_seats,
    claim_seat,
    do_activate_seat,
    reassign_seat,
    revoke_seat,
)
from shared_apps.core.actors import system_actor
from tenants.context import in_organization
from tests.billing.walk.world import Party, World
from tests.fakes.stripe import Fault
from tests.support.actors import actor_as
from tests.support.client import caller_as

Act = Callable[[World, Party], bool]
FAULTS = (Fault.ERROR_BEFORE, Fault.ERROR_AFTER, Fault.DROP_AFTER, Fault.TOO_MANY)


def _held(party: Party) -> list[uuid.UUID]:
    rows = SeatAssignment.objects.filter(organization_id=party.id).exclude(state=SeatState.REVOKED)
    return list(rows.order_by("id").values_list("id", flat=True))


def _some(world: World, party: Party, most: int) -> list[uuid.UUID]:
    number = world.random.randint(1, most)
    return [person.id for person in world.random.sample(party.everybody, number)]


# --- Seats, on the organization's host -----------------------------------------------------------


def assign(world: World, party: Party) -> bool:
    with in_organization(party.organization):
        assign_seats(actor=party.actor, organization_id=party.id, membership_ids=_some(world, party, 3))
    return True


def claim(world: World, party: Party) -> bool:
    person = world.random.choice(party.people)
    if world.random.random() < 0.1:
        answer = caller_as(person, party.organization).post("/api/v1/seats/claim")
        assert answer.status_code in (200, 402, 403, 409, 429), answer.content
        return bool(answer.status_code == 200)
    with in_organization(party.organization):
        claim_seat(actor=actor_as(person), organization_id=party.id)
    return True


def revoke(world: World, party: Party) -> bool:
    held = _held(party)
    if not held:
        return False
    with in_organization(party.organization):
        revoke_seat(actor=party.actor, organization_id=party.id, seat_id=world.random.choice(held))
    return True


def reassign(world: World, party: Party) -> bool:
    held = _held(party)
    if not held:
        return False
    with in_organization(party.organization):
        reassign_seat(
            actor=party.actor,
            organization_id=party.id,
            seat_id=world.random.choice(held),
            to_membership_id=world.random.choice(party.people).id,
        )
    return True


def activate(world: World, party: Party) -> bool:
    if not party.invited:
        return False
    person = world.random.choice(party.invited)
    with in_organization(party.organization), transaction.atomic():
        return do_activate_seat(organization_id=party.id, membership_id=person.id)


def bulk_assign(world: World, party: Party) -> bool:
    with in_organization(party.organization):
        whom = _some(world, party, 20)
        return assign_many(actor=party.actor, organization_id=party.id, membership_ids=whom).changed > 0


def bulk_revoke(world: World, party: Party) -> bool:
    with in_organization(party.organization):
        whom = _some(world, party, 15)
        return revoke_many(actor=party.actor, organization_id=party.id, membership_ids=whom).changed > 0


def undo(world: World, party: Party) -> bool:
    with in_organization(party.organization):
        act = SeatAct.objects.filter(organization_id=party.id).order_by("-id").first()
        if act is None:
            return False
        undo_act(actor=party.actor, organization_id=party.id, act_id=act.id)
    return True


# --- Money ---------------------------------------------------------------------------------------


def subscribe(world: World, party: Party) -> bool:
    if world.live(party) is not None:
        return False
    page = start_checkout(
        actor=party.actor,
        organization_id=party.id,
        plan_code="team",
        interval=Interval.MONTH,
        currency="eur",
        seats=world.random.randint(8, 30),
    )
    if world.random.random() < 0.1:
        return world.payer(f"checkout/{page.gateway_ref}/decline")
    return world.payer(f"checkout/{page.gateway_ref}/pay", card="ok")


def _change_now(world: World, party: Party, low: int, high: int) -> bool:
    row = world.live(party)
    if row is None:
        return False
    seats = max(1, row.purchased - row.comped + world.random.randint(low, high))
    shown = preview_change(actor=party.actor, organization_id=party.id, seats=seats)
    if world.random.random() < 0.1:
        return True  # looked and left
    change = confirm_change(actor=party.actor, organization_id=party.id, token=shown.token)
    return change.state == ChangeState.CONFIRMED


def buy_more(world: World, party: Party) -> bool:
    return _change_now(world, party, 1, 12)


def remove_now(world: World, party: Party) -> bool:
    return _change_now(world, party, -8, -1)


def schedule_fewer(world: World, party: Party) -> bool:
    row = world.live(party)
    if row is None:
        return False
    seats = max(1, row.purchased - row.comped - world.random.randint(1, 8))
    change = schedule_seats(actor=party.actor, organization_id=party.id, seats=seats)
    return change.state == ChangeState.SCHEDULED


def withdraw(world: World, party: Party) -> bool:
    row = world.live(party)
    if row is None or not row.schedule_ref:
        return False
    change = schedule_seats(actor=party.actor, organization_id=party.id, seats=row.purchased - row.comped)
    return change.state == ChangeState.WITHDRAWN


def cancel(world: World, party: Party) -> bool:
    return cancel_at_period_end(actor=party.actor, organization_id=party.id).state == ChangeState.CONFIRMED


def keep(world: World, party: Party) -> bool:
    row = world.live(party)
    if row is None or row.cancels_at is None:
        return False
    return keep_subscription(actor=party.actor, organization_id=party.id).state == ChangeState.CONFIRMED


def pause(world: World, party: Party) -> bool:
    return pause_subscription(actor=party.actor, organization_id=party.id).state == ChangeState.CONFIRMED


def resume(world: World, party: Party) -> bool:
    row = world.live(party)
    if row is None or row.status != "paused":
        return False
    return resume_subscription(actor=party.actor, organization_id=party.id).state == ChangeState.CONFIRMED


def end(world: World, party: Party) -> bool:
    return end_now(actor=system_actor("walk"), organization_id=party.id).state == ChangeState.CONFIRMED


def comp(world: World, party: Party) -> bool:
    row = world.live(party)
    if row is None:
        return False
    seats = world.random.randint(0, 6)
    comp_seats(actor=system_actor("walk"), subscription_id=row.id, seats=seats, reason="a walk")
    return True


def decline_card(world: World, party: Party) -> bool:
    return world.payer(f"customers/{party.customer}/card", card="decline")


def mend_card(world: World, party: Party) -> bool:
    return world.payer(f"customers/{party.customer}/card", card="ok")


def pay(world: World, party: Party) -> bool:
    ids = [each.id for each in world.parties]
    owed = SubscriptionInvoice.objects.filter(organization_id__in=ids, status="open").first()
    if owed is None:
        return False
    # Whoever owes something pays, not only the one whose turn it is: debts are rare.
    debtor = next(each for each in world.parties if each.id == owed.organization_id)
    mend_card(world, debtor)
    pay_invoice(actor=debtor.actor, organization_id=debtor.id, invoice_id=owed.id)
    return True


def go_on(world: World, party: Party) -> bool:
    """Let the job go on with a change whose gateway did not answer."""
    row = SubscriptionChange.objects.filter(organization_id=party.id, state=ChangeState.REQUESTED).first()
    return row is not None and make_change(row.id) is not None


def pass_days(world: World, party: Party) -> bool:
    world.pass_time(timedelta(seconds=world.random.randint(20_000, 9 * 86_400)))
    return True


def break_gateway(world: World, party: Party) -> bool:
    world.server.faults.clear()
    world.server.faults.order(world.random.choice(FAULTS), times=world.random.choice((1, 1, 3)))
    return True


# Weights: most of what happens in an organization is about single seats.
ACTS: tuple[tuple[Act, int], ...] = (
    (assign, 170),
    (claim, 170),
    (revoke, 200),
    (reassign, 110),
    (activate, 60),
    (bulk_assign, 50),
    (bulk_revoke, 40),
    (undo, 30),
    (subscribe, 10),
    (buy_more, 14),
    (remove_now, 8),
    (schedule_fewer, 7),
    (withdraw, 5),
    (cancel, 2),
    (keep, 6),
    (pause, 2),
    (resume, 6),
    (end, 1),
    (comp, 6),
    (decline_card, 6),
    (mend_card, 6),
    (pay, 12),
    (go_on, 20),
    (pass_days, 8),
    (break_gateway, 6),
)
