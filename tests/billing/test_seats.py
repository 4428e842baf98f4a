"""Seats: assigned, claimed, revoked and handed on, never more than were bought."""

import contextlib
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from billing.enums import SeatState, SubscriptionStatus
from billing.errors import (
    MembersNotFound,
    NoSubscription,
    SeatAlreadyHeld,
    SeatNotHeld,
    SeatsExhausted,
    SubscriptionNotOpen,
)
from billing.models import SeatAssignment, Subscription
from billing.selectors.seats import get_seat_summary, list_holdings, seats_free
from billing.services.seats.seats import (
    assign_seats,
    do_activate_seat,
    do_assign_seats,
    do_revoke_seats,
    reassign_seat,
    revoke_seat,
)
from shared_apps.accounts.enums import MembershipStatus
from shared_apps.accounts.models import Membership
from shared_apps.audit.models import AuditEvent
from shared_apps.core import clock
from shared_apps.core.actors import Actor, ActorKind, Role, system_actor
from shared_apps.core.errors import Forbidden, NotFound
from tenants.context import in_organization, in_public
from tenants.models import Organization
from tests.support.subscriptions import make_subscription

Members = Callable[..., Membership]


def actor_of(membership: Membership) -> Actor:
    return Actor(
        kind=ActorKind.MEMBER,
        user_id=membership.user_id,
        membership_id=membership.id,
        organization_id=membership.organization_id,
        role=Role(membership.role),
    )


@pytest.fixture
def admin(acme: Organization, member: Members) -> Actor:
    return actor_of(member(acme, Role.ADMIN))


def assign(actor: Actor, organization: Organization, *members: Membership) -> list[SeatAssignment]:
    return assign_seats(
        actor=actor, organization_id=organization.id, membership_ids=[member.id for member in members]
    )


@pytest.mark.feature("SEA-01")
def test_summary_adds_up_to_purchased_through_every_step(
    acme: Organization, member: Members, admin: Actor
) -> None:
    make_subscription(acme, 3)
    joined, invited = member(acme), member(acme, status=MembershipStatus.INVITED)

    def counts() -> tuple[int, int, int, int]:
        found = get_seat_summary(organization_id=acme.id)
        assert found.assigned + found.active + found.free == found.purchased
        return found.assigned, found.active, found.free, found.released

    assert counts() == (0, 0, 3, 0)
    first, second = assign(admin, acme, joined, invited)
    assert (first.state, second.state) == (SeatState.ACTIVE, SeatState.INVITED)
    assert counts() == (1, 1, 1, 0)
    with transaction.atomic():
        assert do_activate_seat(organization_id=acme.id, membership_id=invited.id) is True
        assert do_activate_seat(organization_id=acme.id, membership_id=invited.id) is False
    assert counts() == (0, 2, 1, 0)
    revoke_seat(actor=admin, organization_id=acme.id, seat_id=first.id, reason="left")
    assert counts() == (0, 1, 2, 1)


def test_over_asking_is_refused_whole(acme: Organization, member: Members, admin: Actor) -> None:
    make_subscription(acme, 2)
    people = [member(acme) for _ in range(3)]
    with pytest.raises(SeatsExhausted) as refused:
        assign(admin, acme, *people)
    assert refused.value.facts == {"seats_free": 2, "seats_needed": 3}
    assert SeatAssignment.objects.count() == 0


@pytest.mark.feature("SEA-02")
def test_assigning_again_changes_nothing(acme: Organization, member: Members, admin: Actor) -> None:
    make_subscription(acme, 1)
    person = member(acme)
    [first] = assign(admin, acme, person)
    [again] = assign(admin, acme, person)
    assert again.id == first.id
    assert Subscription.objects.get().used == 1


def test_members_of_other_organizations_and_removed_ones_get_no_seat(
    acme: Organization, globex: Organization, member: Members, admin: Actor
) -> None:
    make_subscription(acme, 5)
    stranger, gone, good = member(globex), member(acme, status=MembershipStatus.REMOVED), member(acme)
    for refused in (stranger, gone):
        with pytest.raises(MembersNotFound) as error:
            assign(admin, acme, good, refused)
        assert error.value.facts == {"members": [str(refused.id)]}
    assert SeatAssignment.objects.count() == 0


@pytest.mark.parametrize(
    ("label", "facts", "error"),
    [
        ("past due", {"status": SubscriptionStatus.PAST_DUE}, SubscriptionNotOpen),
        ("canceled", {"status": SubscriptionStatus.CANCELED}, NoSubscription),
        ("over", {"ends_at": clock.now() - timedelta(days=1)}, SubscriptionNotOpen),
    ],
)
def test_a_closed_subscription_gives_no_seat(
    label: str,
    facts: dict[str, object],
    error: type[Exception],
    acme: Organization,
    member: Members,
    admin: Actor,
) -> None:
    make_subscription(acme, 5, **facts)
    assert seats_free(organization_id=acme.id) == 0
    with pytest.raises(error):
        assign(admin, acme, member(acme))


def test_a_learner_may_not_assign_and_a_stranger_sees_nothing(
    acme: Organization, globex: Organization, member: Members
) -> None:
    make_subscription(acme, 5)
    with pytest.raises(Forbidden):
        assign(actor_of(member(acme, Role.LEARNER)), acme, member(acme))
    with pytest.raises(NotFound):
        assign(actor_of(member(globex, Role.OWNER)), acme, member(acme))
    assert SeatAssignment.objects.count() == 0


@pytest.mark.feature("SEA-02")
def test_a_full_plan_can_hand_a_seat_on(acme: Organization, member: Members, admin: Actor) -> None:
    make_subscription(acme, 1)
    leaver, newcomer = member(acme), member(acme)
    [seat] = assign(admin, acme, leaver)
    given = reassign_seat(actor=admin, organization_id=acme.id, seat_id=seat.id, to_membership_id=newcomer.id)
    assert (given.membership_id, given.follows_id) == (newcomer.id, seat.id)
    seat.refresh_from_db()
    assert (seat.state, seat.revoked_reason) == (SeatState.REVOKED, "reassigned")
    assert Subscription.objects.get().used == 1
    with pytest.raises(SeatNotHeld):
        reassign_seat(actor=admin, organization_id=acme.id, seat_id=seat.id, to_membership_id=leaver.id)
    with pytest.raises(SeatAlreadyHeld):
        reassign_seat(actor=admin, organization_id=acme.id, seat_id=given.id, to_membership_id=newcomer.id)


def test_revoking_an_old_holding_leaves_the_newer_one(
    acme: Organization, member: Members, admin: Actor
) -> None:
    make_subscription(acme, 1)
    person = member(acme)
    [old] = assign(admin, acme, person)
    revoke_seat(actor=admin, organization_id=acme.id, seat_id=old.id)
    [new] = assign(admin, acme, person)
    again = revoke_seat(actor=admin, organization_id=acme.id, seat_id=old.id)
    assert again.id == old.id
    new.refresh_from_db()
    assert new.state == SeatState.ACTIVE


def test_another_organizations_holding_is_not_found(
    acme: Organization, globex: Organization, member: Members, admin: Actor
) -> None:
    make_subscription(globex, 1)
    theirs = member(globex)
    with transaction.atomic():
        [seat] = do_assign_seats(
            actor=system_actor("test"), organization_id=globex.id, membership_ids=[theirs.id]
        )
    with pytest.raises(NotFound):
        revoke_seat(actor=admin, organization_id=acme.id, seat_id=seat.id)
    seat.refresh_from_db()
    assert seat.state == SeatState.ACTIVE


@pytest.mark.feature("SEA-03")
def test_history_tells_who_held_a_seat_when(acme: Organization, member: Members, admin: Actor) -> None:
    make_subscription(acme, 1)
    first, second = member(acme), member(acme)
    start = clock.now()
    with clock.frozen_at(start):
        [seat] = assign(admin, acme, first)
    with clock.frozen_at(start + timedelta(days=10)):
        reassign_seat(actor=admin, organization_id=acme.id, seat_id=seat.id, to_membership_id=second.id)

    def holders(days: int) -> list[uuid.UUID]:
        rows = list_holdings(organization_id=acme.id, held_at=start + timedelta(days=days))
        return [row.membership_id for row in rows]

    assert holders(-1) == []
    assert holders(0) == holders(9) == [first.id]
    assert holders(10) == holders(400) == [second.id]


@pytest.mark.feature("SEA-03")
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE billing_seatassignment SET state = 'active', revoked_at = NULL",
        "UPDATE billing_seatassignment SET revoked_reason = 'never happened'",
    ],
)
def test_history_cannot_be_rewritten_by_raw_sql(
    statement: str, acme: Organization, member: Members, admin: Actor
) -> None:
    make_subscription(acme, 1)
    [seat] = assign(admin, acme, member(acme))
    revoke_seat(actor=admin, organization_id=acme.id, seat_id=seat.id)
    with (
        pytest.raises(IntegrityError, match="history cannot be rewritten"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)


@pytest.mark.feature("SEA-02")
def test_the_database_itself_refuses_the_seat_too_many(
    acme: Organization, member: Members, admin: Actor
) -> None:
    subscription = make_subscription(acme, 1)
    assign(admin, acme, member(acme))
    with pytest.raises(IntegrityError, match="seats_used_within_purchased"), transaction.atomic():
        SeatAssignment.objects.create(subscription=subscription, organization=acme, membership=member(acme))


def test_every_change_is_audited(acme: Organization, member: Members, admin: Actor) -> None:
    make_subscription(acme, 2)
    [seat] = assign(admin, acme, member(acme))
    given = reassign_seat(
        actor=admin, organization_id=acme.id, seat_id=seat.id, to_membership_id=member(acme).id
    )
    revoke_seat(actor=admin, organization_id=acme.id, seat_id=given.id, reason="left")
    found = AuditEvent.objects.filter(organization_id=acme.id, actor_id=admin.user_id).order_by("id")
    assert list(found.values_list("action", flat=True)) == ["seats.assign", "seats.reassign", "seats.revoke"]


def test_a_step_outside_a_transaction_is_an_error(committed: None, acme: Organization) -> None:
    with pytest.raises(RuntimeError, match="outside a transaction"):
        do_assign_seats(actor=system_actor("test"), organization_id=acme.id, membership_ids=[])


@pytest.mark.feature("SEA-02")
def test_assigns_revokes_and_reassigns_at_once_never_oversell_nor_deadlock(
    committed: None, acme: Organization, member: Members
) -> None:
    make_subscription(acme, 3)
    people = [member(acme) for _ in range(8)]
    system = system_actor("test")

    def move_seats(number: int, step: int) -> None:
        person = people[(number + step) % 8].id
        if (number + step) % 3:
            pair = [person, people[(number + step + 1) % 8].id]
            do_assign_seats(actor=system, organization_id=acme.id, membership_ids=pair)
        else:
            pair = [person, people[number % 8].id]
            do_revoke_seats(actor=system, organization_id=acme.id, membership_ids=pair, reason="test")

    def work(number: int) -> None:
        try:
            with in_organization(acme):
                for step in range(6):
                    with contextlib.suppress(SeatsExhausted), transaction.atomic():
                        move_seats(number, step)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as threads:
        for done in [threads.submit(work, number) for number in range(8)]:
            done.result(timeout=60)  # raises what the thread raised: a deadlock, an oversold seat

    with in_public():
        subscription = Subscription.objects.get()
        live = SeatAssignment.objects.exclude(state=SeatState.REVOKED).count()
    assert subscription.used == live
    assert live <= 3
