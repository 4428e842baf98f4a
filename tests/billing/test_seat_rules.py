"""How freely seats move under a plan, and who is given one by joining."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction

from billing.enums import SeatEnding, SeatState
from billing.errors import MovesExhausted, SeatCooling
from billing.models import SeatAssignment, Subscription
from billing.selectors.seat_rules import get_seat_rules, subscription_year
from billing.services.seats.seats import (
    assign_seats,
    do_activate_seat,
    do_revoke_seats,
    do_seat_newcomer,
    reassign_seat,
    revoke_seat,
)
from shared_apps.accounts.enums import MembershipStatus
from shared_apps.accounts.models import Membership
from shared_apps.audit.models import AuditEvent
from shared_apps.core import clock
from shared_apps.core.actors import Actor, Role, system_actor
from tenants.models import Organization
from tests.support.actors import actor_as
from tests.support.subscriptions import make_plan, make_subscription

Members = Callable[..., Membership]
START = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def admin(acme: Organization, member: Members) -> Actor:
    return actor_as(member(acme, Role.ADMIN))


def give(actor: Actor, person: Membership) -> SeatAssignment:
    [seat] = assign_seats(actor=actor, organization_id=person.organization_id, membership_ids=[person.id])
    return seat


def take(actor: Actor, seat: SeatAssignment) -> SeatAssignment:
    return revoke_seat(actor=actor, organization_id=seat.organization_id, seat_id=seat.id, reason="why not")


def used_moves(organization: Organization) -> int:
    rules = get_seat_rules(organization_id=organization.id)
    assert rules is not None
    return rules.moves_used


@pytest.mark.parametrize(
    ("label", "starts", "instant", "year"),
    [
        ("first day", (2026, 3, 1), (2026, 3, 1), ((2026, 3, 1), (2027, 3, 1))),
        ("last day", (2026, 3, 1), (2027, 2, 28), ((2026, 3, 1), (2027, 3, 1))),
        ("anniversary", (2026, 3, 1), (2027, 3, 1), ((2027, 3, 1), (2028, 3, 1))),
        ("before it in the year", (2024, 11, 20), (2026, 11, 19), ((2025, 11, 20), (2026, 11, 20))),
        ("leap day", (2024, 2, 29), (2026, 3, 1), ((2026, 2, 28), (2027, 2, 28))),
        ("leap day again", (2024, 2, 29), (2028, 2, 28), ((2027, 2, 28), (2028, 2, 29))),
    ],
)
def test_the_year_of_a_subscription_goes_from_anniversary_to_anniversary(
    label: str,
    starts: tuple[int, int, int],
    instant: tuple[int, int, int],
    year: tuple[tuple[int, int, int], tuple[int, int, int]],
) -> None:
    found = subscription_year(datetime(*starts, tzinfo=UTC), datetime(*instant, tzinfo=UTC))
    assert found == (datetime(*year[0], tzinfo=UTC), datetime(*year[1], tzinfo=UTC))


@pytest.mark.feature("SEA-02", "P03")
@pytest.mark.parametrize("way", ["revoke", "reassign"])
def test_a_seat_in_use_moves_only_after_its_cooling_time(
    way: str, acme: Organization, member: Members, admin: Actor
) -> None:
    make_subscription(acme, 2, plan=make_plan("cool", cooling_hours=48))
    holder, other = member(acme), member(acme)

    def move(seat: SeatAssignment) -> None:
        if way == "revoke":
            take(admin, seat)
        else:
            reassign_seat(actor=admin, organization_id=acme.id, seat_id=seat.id, to_membership_id=other.id)

    with clock.frozen_at(START):
        seat = give(admin, holder)
    with clock.frozen_at(START + timedelta(hours=48, microseconds=-1)):
        with pytest.raises(SeatCooling) as refused:
            move(seat)
        assert refused.value.facts == {
            "until": (START + timedelta(hours=48)).isoformat(),
            "cooling_hours": 48,
        }
    seat.refresh_from_db()
    assert seat.state == SeatState.ACTIVE
    with clock.frozen_at(START + timedelta(hours=48)):
        move(seat)
    seat.refresh_from_db()
    assert (seat.state, seat.ending) == (SeatState.REVOKED, SeatEnding.MOVED)


@pytest.mark.feature("SEA-02")
def test_moves_of_a_year_are_counted_from_rows_and_come_back_with_the_next(
    acme: Organization, member: Members, admin: Actor
) -> None:
    # 30 % of 5 seats, rounded up: 2 moves.
    make_subscription(acme, 5, plan=make_plan("few", moves_percent=30), starts_at=START)
    people = [member(acme) for _ in range(4)]
    with clock.frozen_at(START + timedelta(days=1)):
        seats = [give(admin, person) for person in people[:3]]
        take(admin, seats[0])
        reassign_seat(
            actor=admin, organization_id=acme.id, seat_id=seats[1].id, to_membership_id=people[3].id
        )
        assert used_moves(acme) == 2
        with pytest.raises(MovesExhausted) as refused:
            take(admin, seats[2])
        renews = datetime(2027, 3, 1, 12, tzinfo=UTC)
        assert refused.value.facts == {"allowance": 2, "used": 2, "renews_at": renews.isoformat()}
        assert take(admin, seats[0]).state == SeatState.REVOKED  # once more is no second move
    with clock.frozen_at(renews - timedelta(microseconds=1)), pytest.raises(MovesExhausted):
        take(admin, seats[2])
    with clock.frozen_at(renews):
        take(admin, seats[2])
        assert used_moves(acme) == 1


@pytest.mark.feature("SEA-02", "P03")
def test_leavers_and_unused_seats_are_free_at_once_and_no_moves(
    acme: Organization, member: Members, admin: Actor
) -> None:
    make_subscription(acme, 5, plan=make_plan("none", cooling_hours=1_000, moves_percent=0))
    leaver, invited, another = member(acme), *(member(acme, status=MembershipStatus.INVITED) for _ in "ab")
    give(admin, leaver)
    with transaction.atomic():
        do_revoke_seats(actor=admin, organization_id=acme.id, membership_ids=[leaver.id], reason="left")
    take(admin, give(admin, invited))
    seat = give(admin, another)
    reassign_seat(actor=admin, organization_id=acme.id, seat_id=seat.id, to_membership_id=invited.id)
    assert used_moves(acme) == 0
    endings = SeatAssignment.objects.filter(state="revoked").order_by("id").values_list("ending", flat=True)
    assert list(endings) == [SeatEnding.LEFT, SeatEnding.FREED, SeatEnding.FREED]
    assert Subscription.objects.get().used == 1


def join(organization: Organization, person: Membership) -> bool:
    with transaction.atomic():
        if do_activate_seat(organization_id=organization.id, membership_id=person.id):
            return True
        return do_seat_newcomer(organization_id=organization.id, membership_id=person.id)


def switch_on(organization: Organization) -> None:
    organization.settings = {"seat_auto_assign": True}
    organization.save_fields("settings")


@pytest.mark.feature("SEA-04")
def test_who_joins_gets_a_seat_while_some_are_free_where_the_organization_wants_it(
    acme: Organization, member: Members
) -> None:
    make_subscription(acme, 2)
    first, second, third = (member(acme) for _ in range(3))
    assert join(acme, first) is False
    switch_on(acme)
    assert [join(acme, person) for person in (first, first, second, third)] == [True, False, True, False]
    assert Subscription.objects.get().used == 2
    assert set(SeatAssignment.objects.values_list("state", "assigned_by_id")) == {("active", None)}
    event = AuditEvent.objects.filter(action="seats.auto_assign").order_by("id")[0]
    assert (event.actor_kind, event.changes) == ("system", {"members": [str(first.id)]})


@pytest.mark.feature("SEA-04")
@pytest.mark.parametrize("status", ["unpaid", "paused", "canceled"])
def test_joining_goes_on_without_a_seat_where_none_are_given(
    status: str, acme: Organization, member: Members
) -> None:
    make_subscription(acme, 2, status=status)
    switch_on(acme)
    assert join(acme, member(acme)) is False
    assert SeatAssignment.objects.count() == 0


@pytest.mark.feature("SEA-04")
def test_nobody_gets_a_seat_by_joining_whose_seat_was_taken_by_hand(
    acme: Organization, member: Members, admin: Actor
) -> None:
    make_subscription(acme, 5)
    switch_on(acme)
    taken, left, again = (member(acme) for _ in range(3))
    take(admin, give(admin, taken))
    take(admin, give(admin, again))
    for person in (left, again):
        give(admin, person)  # given by hand after it was taken
        with transaction.atomic():
            do_revoke_seats(
                actor=system_actor("test"), organization_id=acme.id, membership_ids=[person.id], reason="left"
            )
    assert [join(acme, person) for person in (taken, left, again)] == [False, True, True]
