"""200 people claim 50 seats at once, over HTTP and with their own connections; and every seat command runs
at once with every other."""

import contextlib
import random
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from billing.enums import SeatState
from billing.errors import ActUndone, SeatAlreadyHeld, SeatNotHeld, SeatsExhausted
from billing.models import SeatAct, SeatAssignment, Subscription
from billing.services.operators.subscriptions import change_seats
from billing.services.seats.acts import undo_act
from billing.services.seats.bulk import assign_many, revoke_many
from billing.services.seats.seats import assign_seats, claim_seat, reassign_seat, revoke_seat
from shared_apps.accounts.enums import MembershipStatus
from shared_apps.accounts.models import Membership, User
from shared_apps.core.actors import Actor, Role, system_actor
from shared_apps.core.errors import DomainError
from tenants.context import in_organization, in_public
from tenants.models import Organization
from tenants.services.organizations import host_of
from tests.support.actors import actor_as
from tests.support.client import access_token
from tests.support.server import Answer, serving
from tests.support.subscriptions import make_subscription

CLAIMS, SEATS, ROUNDS, CONNECTIONS = 200, 50, 20, 20
THREADS, ACTS_EACH, PEOPLE = 16, 25, 24


def live_seats() -> int:
    """Return the live holdings; each by another person, and as many as the subscription counts."""
    rows = SeatAssignment.objects.exclude(state=SeatState.REVOKED)
    number = rows.count()
    assert rows.values("membership_id").distinct().count() == number
    assert Subscription.objects.get().used == number
    return number


def crowd(organization: Organization, number: int) -> list[Membership]:
    """Make members, in few statements."""
    users = User.objects.bulk_create(
        User(email=f"crowd{each}@{organization.slug}.example") for each in range(number)
    )
    return Membership.objects.bulk_create(
        Membership(organization=organization, user=user, status=MembershipStatus.ACTIVE, role=Role.LEARNER)
        for user in users
    )


@contextlib.contextmanager
def of_a_thread(organization: Organization) -> Iterator[None]:
    try:
        with in_organization(organization):
            yield
    finally:
        connection.close()


@pytest.mark.feature("SEA-02")
@pytest.mark.slow
def test_200_parallel_claims_of_50_seats_give_exactly_50(
    committed: None, acme: Organization, member: Callable[..., Membership]
) -> None:
    make_subscription(acme, SEATS)
    tokens = [access_token(member(acme, Role.LEARNER)) for _ in range(CLAIMS)]

    with serving(threads=16) as server, ThreadPoolExecutor(CLAIMS) as clients:

        def claim(token: str) -> Answer:
            return server.call("POST", "/api/v1/seats/claim", host=host_of("acme"), token=token)

        answers = list(clients.map(claim, tokens))

    said = Counter(answer.status for answer in answers)
    assert said == {200: SEATS, 409: CLAIMS - SEATS}, answers[-1].body
    assert {answer.json()["code"] for answer in answers if answer.status == 409} == {"seats_exhausted"}
    with in_public():
        assert live_seats() == SEATS


@pytest.mark.feature("SEA-02")
@pytest.mark.slow
def test_twenty_rounds_of_200_claims_give_exactly_50_each(committed: None, acme: Organization) -> None:
    make_subscription(acme, SEATS)
    people = [actor_as(person) for person in crowd(acme, CLAIMS)]
    admin = system_actor("test", acme.id)

    def claim(actor: Actor) -> str:
        try:
            return claim_seat(actor=actor, organization_id=acme.id).state
        except DomainError as error:
            return error.code

    def work(number: int) -> Counter[str]:
        with of_a_thread(acme):
            return Counter(claim(actor) for actor in people[number::CONNECTIONS])

    for _ in range(ROUNDS):
        with ThreadPoolExecutor(CONNECTIONS) as threads:
            said = sum(threads.map(work, range(CONNECTIONS)), Counter[str]())
        assert said == {"active": SEATS, "seats_exhausted": CLAIMS - SEATS}
        with in_organization(acme):
            assert live_seats() == SEATS
            revoke_many(actor=admin, organization_id=acme.id, membership_ids=None)
    with in_public():
        assert live_seats() == 0
        assert SeatAssignment.objects.count() == ROUNDS * SEATS


class _Act:
    """One seat command of many, chosen by chance; refusals are answers, everything else is a failure."""

    def __init__(self, organization: Organization, subscription: Subscription, people: list[Membership]):
        self.id = organization.id
        self.subscription = subscription
        self.actors = [actor_as(person) for person in people]
        self.system = system_actor("test", organization.id)

    def one(self, chance: random.Random) -> str:
        """Do one; return its name, or the code of its refusal."""
        names = ("assign", "claim", "revoke", "reassign", "assign_many", "revoke_many", "undo", "resize")
        name = chance.choice(names)
        try:
            getattr(self, name)(chance)
        except (SeatsExhausted, SeatNotHeld, SeatAlreadyHeld, ActUndone, DomainError) as error:
            return error.code
        return name

    def some(self, chance: random.Random, number: int) -> list[Actor]:
        return chance.sample(self.actors, number)

    def assign(self, chance: random.Random) -> None:
        ids = [actor.member_id for actor in self.some(chance, 2)]
        assign_seats(actor=self.system, organization_id=self.id, membership_ids=ids)

    def claim(self, chance: random.Random) -> None:
        claim_seat(actor=self.some(chance, 1)[0], organization_id=self.id)

    def revoke(self, chance: random.Random) -> None:
        seat = SeatAssignment.objects.filter(organization_id=self.id).exclude(state="revoked").first()
        if seat is not None:
            revoke_seat(actor=self.system, organization_id=self.id, seat_id=seat.id)

    def reassign(self, chance: random.Random) -> None:
        seat = SeatAssignment.objects.filter(organization_id=self.id).exclude(state="revoked").last()
        if seat is not None:
            to = self.some(chance, 1)[0].member_id
            reassign_seat(actor=self.system, organization_id=self.id, seat_id=seat.id, to_membership_id=to)

    def assign_many(self, chance: random.Random) -> None:
        ids = [actor.member_id for actor in self.some(chance, 5)]
        assign_many(actor=self.system, organization_id=self.id, membership_ids=ids)

    def revoke_many(self, chance: random.Random) -> None:
        ids = [actor.member_id for actor in self.some(chance, 8)]
        revoke_many(actor=self.system, organization_id=self.id, membership_ids=ids)

    def undo(self, chance: random.Random) -> None:
        act = SeatAct.objects.filter(organization_id=self.id, undone_at=None).order_by("-id").first()
        if act is not None:
            undo_act(actor=self.system, organization_id=self.id, act_id=act.id)

    def resize(self, chance: random.Random) -> None:
        # The platform's act: it is done under its role.
        with in_public():
            seats = chance.randint(6, 14)
            change_seats(actor=system_actor("test"), subscription_id=self.subscription.id, seats=seats)


@pytest.mark.feature("SEA-02")
@pytest.mark.slow
def test_every_seat_command_at_once_never_oversells_nor_deadlocks(
    committed: None, acme: Organization
) -> None:
    subscription = make_subscription(acme, 10)
    acts = _Act(acme, subscription, crowd(acme, PEOPLE))

    def work(number: int) -> Counter[str]:
        chance = random.Random(number)
        with of_a_thread(acme):
            return Counter(acts.one(chance) for _ in range(ACTS_EACH))

    with ThreadPoolExecutor(THREADS) as threads:
        # Raises what a thread raised: a deadlock, a seat too many, a row written twice.
        said = sum(threads.map(work, range(THREADS)), Counter[str]())

    assert said.total() == THREADS * ACTS_EACH
    done = {name for name in said if hasattr(_Act, name)}
    assert done == {"assign", "claim", "revoke", "reassign", "assign_many", "revoke_many", "undo", "resize"}
    with in_public():
        assert live_seats() <= Subscription.objects.get().purchased
