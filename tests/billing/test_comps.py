"""Seats given on top of those that are billed or granted: counted, posted, never asked of a gateway."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from billing.errors import SeatsExhausted, SeatsInUse, SubscriptionNotOpen
from billing.models import SeatEntry, Subscription
from billing.operator_errors import SeatsBilled
from billing.services.changes.previewed import confirm_change, preview_change
from billing.services.changes.terms import schedule_terms
from billing.services.operators.comps import comp_seats
from billing.services.operators.subscriptions import cancel_subscription, change_seats
from billing.services.seats.seats import assign_seats
from shared_apps.accounts.models import Membership
from shared_apps.audit.models import AuditEvent
from shared_apps.core.actors import Actor, ActorKind, Role, system_actor
from shared_apps.core.errors import Forbidden, NotFound
from tenants.context import in_public
from tenants.models import Organization
from tests.billing.conftest import Account, deliver_all
from tests.support.measures import run_together
from tests.support.subscriptions import make_subscription

OPERATOR = Actor(kind=ActorKind.OPERATOR, user_id=uuid.uuid4(), label="ops@palaestra.example")


def comp(subscription: Subscription, seats: int) -> Subscription:
    return comp_seats(actor=OPERATOR, subscription_id=subscription.id, seats=seats, reason="pilot")


def hold(organization: Organization, memberships: list[Membership]) -> None:
    assign_seats(
        actor=system_actor("tests"),
        organization_id=organization.id,
        membership_ids=[each.id for each in memberships],
    )


def numbers(subscription: Subscription) -> tuple[int, int, int | None]:
    subscription.refresh_from_db()
    return subscription.purchased, subscription.comped, subscription.pending_purchased


@pytest.fixture
def billed(account: Account) -> Subscription:
    account.subscribe(10)
    deliver_all(account.server)
    return Subscription.objects.get()


def test_comped_seats_are_there_at_once_and_posted_and_the_gateway_hears_nothing(
    account: Account, billed: Subscription, member: Callable[..., Membership]
) -> None:
    calls = len(account.server.calls)
    assert numbers(comp(billed, 2)) == (12, 2, None)
    hold(account.organization, [member(account.organization) for _ in range(12)])
    with pytest.raises(SeatsExhausted):
        hold(account.organization, [member(account.organization)])
    assert len(account.server.calls) == calls
    entry = SeatEntry.objects.get(kind="comped")
    assert (entry.seats, entry.purchased_after, entry.cause, entry.actor_id) == (
        2,
        12,
        "comp",
        OPERATOR.user_id,
    )
    event = AuditEvent.objects.get(action="subscriptions.comp_seats")
    assert (event.organization_id, event.changes) == (
        billed.organization_id,
        {"comped": [0, 2], "reason": "pilot"},
    )


def test_the_same_number_again_changes_and_records_nothing(billed: Subscription) -> None:
    comp(billed, 2)
    comp(billed, 2)
    assert (SeatEntry.objects.filter(kind="comped").count(), numbers(billed)) == (1, (12, 2, None))
    assert AuditEvent.objects.filter(action="subscriptions.comp_seats").count() == 1


def test_they_outlive_what_the_gateway_says_and_what_the_organization_buys(
    account: Account, billed: Subscription
) -> None:
    comp(billed, 2)
    whose: dict[str, Any] = {"actor": account.actor, "organization_id": account.organization.id}
    confirm_change(**whose, token=preview_change(**whose, seats=15).token)
    assert numbers(billed) == (17, 2, None)
    deliver_all(account.server)
    assert numbers(billed) == (17, 2, None)
    assert account.gateway.look_subscription(str(billed.gateway_ref)).seats == 15


def test_seats_in_use_are_not_taken_back(
    acme: Organization, shared: None, member: Callable[..., Membership]
) -> None:
    granted = make_subscription(acme, 2)
    comp(granted, 3)
    hold(acme, [member(acme) for _ in range(4)])
    with pytest.raises(SeatsInUse) as refused:
        comp(granted, 1)
    assert refused.value.facts == {"used": 4, "asked": 1, "to_release": 1}
    assert numbers(granted) == (5, 3, None)
    assert numbers(comp(granted, 2)) == (4, 2, None)


def test_what_is_left_after_the_period_moves_along(
    account: Account, billed: Subscription, member: Callable[..., Membership]
) -> None:
    schedule_terms(actor=account.actor, organization_id=account.organization.id, seats=6)
    assert numbers(billed) == (10, 0, 6)
    assert numbers(comp(billed, 2)) == (12, 2, 8)
    hold(account.organization, [member(account.organization) for _ in range(7)])
    with pytest.raises(SeatsInUse):
        comp(billed, 0)
    assert numbers(comp(billed, 1)) == (11, 1, 7)


def test_fewer_billed_than_held_is_made_good_by_comps(
    account: Account, billed: Subscription, member: Callable[..., Membership]
) -> None:
    hold(account.organization, [member(account.organization) for _ in range(5)])
    Subscription.objects.update(purchased=5, billed_seats=3)
    assert numbers(comp(billed, 1)) == (5, 1, None)
    assert Subscription.objects.get().billed_seats == 3
    assert numbers(comp(billed, 4)) == (7, 4, None)
    assert Subscription.objects.get().billed_seats is None


def test_who_may_and_to_what(acme: Organization, shared: None) -> None:
    granted = make_subscription(acme, 2)
    owner = Actor(kind=ActorKind.MEMBER, user_id=uuid.uuid4(), role=Role.OWNER, organization_id=acme.id)
    with pytest.raises(Forbidden):
        comp_seats(actor=owner, subscription_id=granted.id, seats=1, reason="mine")
    with pytest.raises(NotFound):
        comp_seats(actor=OPERATOR, subscription_id=uuid.uuid4(), seats=1, reason="x")
    cancel_subscription(actor=OPERATOR, subscription_id=granted.id)
    with pytest.raises(SubscriptionNotOpen):
        comp(granted, 1)
    assert numbers(granted) == (2, 0, None)


def test_the_number_that_is_billed_is_not_set_by_operators(billed: Subscription) -> None:
    with pytest.raises(SeatsBilled):
        change_seats(actor=OPERATOR, subscription_id=billed.id, seats=50)
    assert numbers(billed) == (10, 0, None)


def test_seats_taken_back_and_claimed_at_once_are_never_both(
    committed: None, acme: Organization, member: Callable[..., Membership]
) -> None:
    granted = make_subscription(acme, 2)
    comp(granted, 4)
    people = [member(acme) for _ in range(6)]
    hold(acme, people[:2])
    outcomes: list[str] = []

    def take_back() -> None:
        with in_public():
            try:
                comp(granted, 0)
                outcomes.append("taken back")
            except SeatsInUse:
                outcomes.append("in use")

    def claim() -> None:
        with in_public():
            try:
                assign_seats(
                    actor=system_actor("tests"),
                    organization_id=acme.id,
                    membership_ids=[each.id for each in people[2:]],
                )
                outcomes.append("claimed")
            except SeatsExhausted:
                outcomes.append("exhausted")

    run_together([take_back, claim])
    assert sorted(outcomes) in (["claimed", "in use"], ["exhausted", "taken back"])
    granted.refresh_from_db()
    assert (granted.purchased, granted.used) == ((6, 6) if "claimed" in outcomes else (2, 2))
