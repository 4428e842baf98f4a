"""Thousands of seats in one call, and undoing it."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing.enums import SeatActKind, SeatEnding, SeatState
from billing.errors import ActUndone, MembersNotFound, SeatsExhausted, SubscriptionNotOpen, UndoOver
from billing.models import SeatAct, SeatAssignment, Subscription
from billing.services.seats.acts import undo_act
from billing.services.seats.bulk import BulkOutcome, assign_many, revoke_many
from billing.services.seats.seats import assign_seats, revoke_seat
from shared_apps.accounts.enums import MembershipStatus
from shared_apps.accounts.models import Membership, User
from shared_apps.audit.models import AuditEvent
from shared_apps.core import clock
from shared_apps.core.actors import Actor, Role, system_actor
from shared_apps.core.errors import DomainError, Forbidden, NotFound
from tenants.context import in_organization, in_public
from tenants.models import Organization
from tests.support.actors import actor_as
from tests.support.subscriptions import make_plan, make_subscription

Members = Callable[..., Membership]


@pytest.fixture
def admin(acme: Organization, member: Members) -> Actor:
    return actor_as(member(acme, Role.BILLING_ADMIN))


def crowd(organization: Organization, number: int) -> list[Membership]:
    """Make members, in few statements."""
    users = User.objects.bulk_create(
        User(email=f"crowd{each}@{organization.slug}.example") for each in range(number)
    )
    return Membership.objects.bulk_create(
        Membership(organization=organization, user=user, status=MembershipStatus.ACTIVE) for user in users
    )


def assign(actor: Actor, people: Sequence[Membership] | None, *, dry_run: bool = False) -> BulkOutcome:
    assert actor.organization_id is not None
    ids = None if people is None else [person.id for person in people]
    return assign_many(
        actor=actor, organization_id=actor.organization_id, membership_ids=ids, dry_run=dry_run
    )


def revoke(actor: Actor, people: Sequence[Membership] | None, *, dry_run: bool = False) -> BulkOutcome:
    assert actor.organization_id is not None
    ids = None if people is None else [person.id for person in people]
    return revoke_many(
        actor=actor, organization_id=actor.organization_id, membership_ids=ids, reason="left", dry_run=dry_run
    )


def undo(actor: Actor, outcome: BulkOutcome) -> BulkOutcome:
    assert actor.organization_id is not None
    assert outcome.act is not None
    return undo_act(actor=actor, organization_id=actor.organization_id, act_id=outcome.act.id)


def live() -> set[object]:
    rows = SeatAssignment.objects.exclude(state=SeatState.REVOKED)
    found: set[object] = set(rows.values_list("membership_id", flat=True))
    assert Subscription.objects.get().used == rows.count() == len(found)
    return found


def ids(people: Sequence[Membership]) -> set[object]:
    return {person.id for person in people}


def refusals(outcome: BulkOutcome) -> dict[object, str]:
    return {row.membership_id: row.code for row in outcome.refused}


@pytest.mark.feature("SEA-02")
def test_a_thousand_seats_take_as_many_statements_as_two(acme: Organization, admin: Actor) -> None:
    make_subscription(acme, 1_500)
    people = crowd(acme, 1_002)
    with CaptureQueriesContext(
        connection,
    ) as few:
        assign(admin, people[:2])
    with CaptureQueriesContext(connection) as many:
        outcome = assign(admin, people)
    assert len(many) == len(few) <= 12
    assert (outcome.changed, outcome.unchanged, outcome.free) == (1_000, 2, 498)
    assert live() == ids(people)
    with CaptureQueriesContext(connection) as taking:
        assert revoke(admin, people).changed == 1_002
    assert len(taking) <= 12
    assert live() == set()


@pytest.mark.feature("SEA-02")
def test_a_bulk_act_that_does_not_fit_is_refused_whole_and_says_what_fits(
    acme: Organization, admin: Actor
) -> None:
    make_subscription(acme, 4)
    people = crowd(acme, 5)
    for dry_run in (True, False):
        with pytest.raises(SeatsExhausted) as refused:
            assign(admin, people, dry_run=dry_run)
        assert refused.value.facts == {"seats_free": 4, "seats_needed": 5}
    assert (live(), SeatAct.objects.count()) == (set(), 0)


def test_everyone_without_a_seat_is_who_joined_or_is_invited(
    acme: Organization, globex: Organization, member: Members, admin: Actor
) -> None:
    make_subscription(acme, 20)
    member(globex)
    member(acme, status=MembershipStatus.SUSPENDED)
    member(acme, status=MembershipStatus.REMOVED)
    invited = member(acme, status=MembershipStatus.INVITED)
    everyone = set(
        Membership.objects.filter(organization=acme, status__in=("active", "invited")).values_list(
            "id", flat=True
        )
    )
    assign(admin, [invited])
    trial = assign(admin, None, dry_run=True)
    assert (trial.act, trial.changed, live()) == (None, len(everyone) - 1, {invited.id})
    done = assign(admin, None)
    assert (done.changed, done.unchanged, done.free) == (trial.changed, 1, trial.free)
    assert live() == everyone
    again = assign(admin, None)
    assert (again.act, again.changed) == (None, 0)
    assert SeatAssignment.objects.get(membership=invited).state == SeatState.INVITED


def test_a_stranger_among_many_is_named_and_nobody_gets_a_seat(
    acme: Organization, globex: Organization, member: Members, admin: Actor
) -> None:
    make_subscription(acme, 20)
    stranger = member(globex)
    with pytest.raises(MembersNotFound) as refused:
        assign(admin, [*crowd(acme, 3), stranger])
    assert refused.value.facts == {"members": [str(stranger.id)], "number": 1}
    assert live() == set()


@pytest.mark.feature("SEA-02", "P04")
def test_a_bulk_revoke_does_what_its_dry_run_said_row_by_row(
    acme: Organization, member: Members, admin: Actor
) -> None:
    make_subscription(acme, 10, plan=make_plan("strict", cooling_hours=24, moves_percent=15))
    start = clock.now()
    early, late, without = crowd(acme, 3), [member(acme)], member(acme)
    unused = member(acme, status=MembershipStatus.INVITED)
    with clock.frozen_at(start):
        assign(admin, [*early, unused])
    with clock.frozen_at(start + timedelta(hours=20)):
        assign(admin, late)
    with clock.frozen_at(start + timedelta(hours=24)):
        trial = revoke(admin, [without, *late, *early, unused], dry_run=True)
        assert (trial.act, len(live())) == (None, 5)
        done = revoke(admin, [without, *late, *early, unused])
    assert trial.refused == done.refused
    assert (trial.changed, trial.free) == (done.changed, done.free) == (3, 8)
    # 15 % of 10 seats are 2 moves; the seat that was not used yet is none.
    assert refusals(done) == {
        without.id: "seat_not_held",
        late[0].id: "seat_cooling",
        early[2].id: "moves_exhausted",
    }
    cooling = next(row for row in done.refused if row.code == "seat_cooling")
    assert cooling.facts == {"until": (start + timedelta(hours=44)).isoformat(), "cooling_hours": 24}
    assert live() == {late[0].id, early[2].id}
    endings = dict(SeatAssignment.objects.filter(state="revoked").values_list("membership_id", "ending"))
    assert endings == {
        early[0].id: SeatEnding.MOVED,
        early[1].id: SeatEnding.MOVED,
        unused.id: SeatEnding.FREED,
    }


@pytest.mark.feature("SEA-02", "P06")
def test_undoing_an_assign_takes_the_seats_from_who_still_holds_them(
    acme: Organization, admin: Actor
) -> None:
    make_subscription(acme, 10, plan=make_plan("strict", cooling_hours=24, moves_percent=0))
    before, *people = crowd(acme, 4)
    assign(admin, [before])
    outcome = assign(admin, [before, *people])
    SeatAssignment.objects.filter(membership=people[0]).update(state=SeatState.REVOKED)
    undone = undo(admin, outcome)
    assert (undone.changed, undone.free, refusals(undone)) == (2, 9, {people[0].id: "seat_not_held"})
    assert live() == {before.id}
    assert undone.act is not None
    assert (undone.act.kind, undone.act.undoes_id) == (SeatActKind.UNDO, outcome.act and outcome.act.id)
    assert set(SeatAssignment.objects.filter(ending=SeatEnding.UNDONE).values_list("taken_in_id")) == {
        (undone.act.id,)
    }
    actions = AuditEvent.objects.filter(organization_id=acme.id).order_by("id")
    assert list(actions.values_list("action", flat=True)) == [
        "seats.bulk_assign",
        "seats.bulk_assign",
        "seats.undo",
    ]


@pytest.mark.feature("SEA-02", "P06")
def test_undoing_a_revoke_gives_seats_back_as_far_as_they_suffice_and_counts_no_move(
    acme: Organization, member: Members, admin: Actor
) -> None:
    make_subscription(acme, 4, plan=make_plan("strict", moves_percent=100))
    people, newcomer = crowd(acme, 4), member(acme)
    assign(admin, people)
    outcome = revoke(admin, people)
    Membership.objects.filter(id=people[0].id).update(status=MembershipStatus.REMOVED)
    assign(admin, [newcomer, people[1]])
    undone = undo(admin, outcome)
    assert undone.changed == 2
    assert refusals(undone) == {people[0].id: "member_not_found"}
    assert live() == ids([newcomer, *people[1:]])
    old = SeatAssignment.objects.get(membership=people[2], state="revoked")
    new = SeatAssignment.objects.get(membership=people[2], state="active")
    assert (new.follows_id, new.given_in_id) == (old.id, undone.act and undone.act.id)
    # Four were taken, two came back by the undoing: two moves are left.
    again = revoke(admin, [*people[2:], newcomer])
    assert (again.changed, list(refusals(again).values())) == (2, ["moves_exhausted"])


def test_undoing_a_revoke_on_a_plan_that_filled_up_names_who_came_too_late(
    acme: Organization, member: Members, admin: Actor
) -> None:
    make_subscription(acme, 3)
    people = crowd(acme, 3)
    assign(admin, people)
    outcome = revoke(admin, people)
    assign(admin, [member(acme), member(acme)])
    undone = undo(admin, outcome)
    assert (undone.changed, undone.free) == (1, 0)
    assert refusals(undone) == {people[1].id: "seats_exhausted", people[2].id: "seats_exhausted"}


def test_an_act_is_undone_once_in_its_time_and_an_undoing_never(
    acme: Organization, globex: Organization, member: Members, admin: Actor
) -> None:
    make_subscription(acme, 10)
    people = crowd(acme, 2)
    start = clock.now()
    with clock.frozen_at(start):
        outcome, late = assign(admin, people[:1]), assign(admin, people[1:])
    with clock.frozen_at(start + timedelta(hours=24) - timedelta(seconds=1)):
        undone = undo(admin, outcome)
        with pytest.raises(ActUndone):
            undo(admin, outcome)
        with pytest.raises(UndoOver):
            undo(admin, undone)
    with clock.frozen_at(start + timedelta(hours=24)), pytest.raises(UndoOver):
        undo(admin, late)
    assert live() == {people[1].id}
    assert late.act is not None
    with pytest.raises(NotFound):
        undo_act(actor=system_actor("test"), organization_id=globex.id, act_id=late.act.id)


def test_seats_come_back_only_under_a_subscription_that_gives_them(acme: Organization, admin: Actor) -> None:
    make_subscription(acme, 10)
    people = crowd(acme, 2)
    assign(admin, people)
    outcome = revoke(admin, people)
    Subscription.objects.update(status="unpaid")
    with pytest.raises(SubscriptionNotOpen):
        undo(admin, outcome)
    assert SeatAct.objects.get(kind="revoke").undone_at is None


def test_a_list_of_several_is_an_act_too_and_a_single_seat_is_none(acme: Organization, admin: Actor) -> None:
    make_subscription(acme, 10)
    one, *people = crowd(acme, 3)
    [single] = assign_seats(actor=admin, organization_id=acme.id, membership_ids=[one.id])
    assert (single.given_in_id, SeatAct.objects.count()) == (None, 0)
    seats = assign_seats(
        actor=admin, organization_id=acme.id, membership_ids=[one.id, *(person.id for person in people)]
    )
    act = SeatAct.objects.get()
    assert [seat.given_in_id for seat in seats] == [None, act.id, act.id]
    assert act.membership_ids == [str(person.id) for person in people]
    undo_act(actor=admin, organization_id=acme.id, act_id=act.id)
    assert live() == {one.id}


def test_only_who_manages_seats_acts_on_many(
    acme: Organization, globex: Organization, member: Members
) -> None:
    make_subscription(acme, 10)
    low = actor_as(member(acme, Role.MANAGER))
    for act in (assign, revoke):
        with pytest.raises(Forbidden):
            act(low, None)
    stranger = actor_as(member(globex, Role.OWNER))
    with pytest.raises(NotFound):
        assign_many(actor=stranger, organization_id=acme.id, membership_ids=None)


@pytest.mark.feature("SEA-02", "P01")
def test_two_bulk_assigns_at_once_both_succeed_while_seats_last(committed: None, acme: Organization) -> None:
    make_subscription(acme, 1_000)
    people = crowd(acme, 1_200)
    system = system_actor("test", acme.id)

    def work(part: Sequence[Membership]) -> int | str:
        try:
            with in_organization(acme):
                return assign(system, part).changed
        except DomainError as error:
            return error.code
        finally:
            connection.close()

    with ThreadPoolExecutor(3) as threads:
        said = list(threads.map(work, [people[:400], people[400:800], people[800:1_200]]))
    assert sorted(said, key=str) == [400, 400, "seats_exhausted"]
    with in_public():
        assert len(live()) == 800


@pytest.mark.feature("SEA-02", "P06")
def test_an_act_undone_by_many_at_once_is_undone_once(committed: None, acme: Organization) -> None:
    make_subscription(acme, 10)
    people = crowd(acme, 5)
    system = system_actor("test", acme.id)
    with in_organization(acme):
        outcome = assign(system, people)

    def work(_number: int) -> int | str:
        try:
            with in_organization(acme):
                return undo(system, outcome).changed
        except DomainError as error:
            return error.code
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as threads:
        said = list(threads.map(work, range(8)))
    assert sorted(said, key=str) == [5] + ["seat_act_undone"] * 7
    with in_public():
        assert (live(), SeatAct.objects.filter(kind="undo").count()) == (set(), 1)


def test_a_seat_taken_singly_after_the_act_stays_taken(acme: Organization, admin: Actor) -> None:
    make_subscription(acme, 10)
    people = crowd(acme, 2)
    outcome = assign(admin, people)
    seat = SeatAssignment.objects.get(membership=people[0])
    revoke_seat(actor=admin, organization_id=acme.id, seat_id=seat.id, reason="meant")
    assert undo(admin, outcome).changed == 1
    seat.refresh_from_db()
    assert (seat.revoked_reason, seat.ending) == ("meant", SeatEnding.MOVED)
