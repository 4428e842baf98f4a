"""Seats: 200 people claim 50 at once, and 5,000 are given in one call.

The claims run in threads of this process, each on a connection out of the process's pool, as in a web server.
The time in SQL is what the database took for all statements of the call, the commit with its deferred checks
included; the service's time is all of it.
"""

import itertools
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from statistics import median
from typing import Any

from django.db import connection, transaction

from benchmarks.many import count_from_environment, make_tenants, quiet_log
from benchmarks.stack import Stack
from billing.models import Plan, SeatAssignment, Subscription
from billing.services.seats.bulk import BulkOutcome, assign_many, revoke_many
from billing.services.seats.seats import claim_seat
from shared_apps.accounts.enums import MembershipStatus
from shared_apps.accounts.models import Membership, User
from shared_apps.core import clock
from shared_apps.core.actors import Actor, ActorKind, Role, system_actor
from shared_apps.core.errors import DomainError
from tenants.context import in_organization, in_public
from tenants.models import Organization

NAME = "seats"
DESCRIPTION = "200 threads claim 50 seats at once, and 5,000 seats given and taken in one call"
# As many as a server's process has in its pool.
_CONNECTIONS = 8
_numbers = itertools.count(1)


def run(
    stack: Stack,
    *,
    claims: int | None = None,
    rounds: int | None = None,
    bulk: int | None = None,
    bulk_rounds: int = 5,
) -> dict[str, Any]:
    """Return the figures; times in milliseconds.

    Args:
        claims: people who claim at once, a quarter as many seats as they are.
        rounds: how often.
        bulk: seats given in one call.
        bulk_rounds: how often.

    Raises:
        AssertionError: a round gave another number of seats than there were.
    """
    claims = claims or count_from_environment("BENCH_CLAIMS", 200)
    rounds = rounds or count_from_environment("BENCH_ROUNDS", 20)
    bulk = bulk or count_from_environment("BENCH_BULK_SEATS", 5000)
    with quiet_log():
        claiming = _claim(claims, claims // 4, rounds)
        stack.say(f"{rounds} rounds of {claims} claims")
        giving = _give(bulk, bulk_rounds)
        stack.say(f"{bulk_rounds} times {bulk} seats in one call")
    return claiming | giving


def _claim(claims: int, seats: int, rounds: int) -> dict[str, Any]:
    organization, people = _academy(claims, seats)
    given: list[int] = []
    walls: list[float] = []
    answers: list[float] = []
    for _ in range(rounds):
        said, wall, each = _one_round(organization, people)
        given.append(said["active"])
        assert said == {"active": seats, "seats_exhausted": claims - seats}, said  # noqa: S101
        walls.append(wall)
        answers += each
        with in_organization(organization):
            revoke_many(actor=_system(organization), organization_id=organization.id, membership_ids=None)
    return {
        "seat_claims.given": given[0] if len(set(given)) == 1 else given,
        "seat_claims.wall_ms": round(min(walls), 1),
        "seat_claims.wall_p50_ms": round(median(walls), 1),
        "seat_claims.wall_most_ms": round(max(walls), 1),
        "seat_claims.answer_p50_ms": round(median(answers), 1),
        "seat_claims.answer_most_ms": round(max(answers), 1),
        "seat_claims.rounds": rounds,
    }


def _one_round(
    organization: Organization, people: Sequence[Actor]
) -> tuple[Counter[str], float, list[float]]:
    """Let all claim at once; return what was said, the time until the last answer, and each one's."""
    together = threading.Barrier(len(people) + 1)
    gate = threading.BoundedSemaphore(_CONNECTIONS)

    def claim(actor: Actor) -> tuple[str, float]:
        together.wait()
        started = time.perf_counter()
        with gate:
            said = _claimed(organization, actor)
        return said, (time.perf_counter() - started) * 1000

    with ThreadPoolExecutor(len(people)) as threads:
        asked = [threads.submit(claim, actor) for actor in people]
        together.wait()
        started = time.perf_counter()
        results = [each.result() for each in asked]
        wall = (time.perf_counter() - started) * 1000
    return Counter(said for said, _ in results), wall, [took for _, took in results]


def _claimed(organization: Organization, actor: Actor) -> str:
    try:
        with in_organization(organization):
            return claim_seat(actor=actor, organization_id=organization.id).state
    except DomainError as error:
        return error.code
    finally:
        connection.close()


def _give(seats: int, rounds: int) -> dict[str, Any]:
    organization, people = _academy(seats, seats)
    ids = [actor.member_id for actor in people]
    asked: dict[str, Any] = {
        "actor": _system(organization),
        "organization_id": organization.id,
        "membership_ids": ids,
    }
    giving: list[tuple[float, float, int]] = []
    taking: list[tuple[float, float, int]] = []
    for _ in range(rounds):
        for act, figures in ((assign_many, giving), (revoke_many, taking)):
            with in_organization(organization):
                outcome, *measured = _timed(partial(act, **asked))
            assert outcome.changed == seats  # noqa: S101
            figures.append((measured[0], measured[1], int(measured[2])))
    with in_public():
        assert SeatAssignment.objects.filter(organization=organization).count() == seats * rounds  # noqa: S101
    return {
        "bulk_assign_5000_ms": round(median(sql for sql, _, _ in giving), 1),
        "bulk_assign_5000_best_ms": round(min(sql for sql, _, _ in giving), 1),
        "bulk_assign_5000_service_ms": round(median(whole for _, whole, _ in giving), 1),
        "bulk_assign_5000_statements": giving[0][2],
        "bulk_revoke_5000_ms": round(median(sql for sql, _, _ in taking), 1),
        "bulk_revoke_5000_service_ms": round(median(whole for _, whole, _ in taking), 1),
        "bulk_seats": seats,
    }


def _timed(act: Callable[[], BulkOutcome]) -> tuple[BulkOutcome, float, float, int]:
    """Run an act; return what it did, milliseconds in SQL and in all, and the number of statements."""
    spent: list[float] = []
    ended = committed = 0.0

    def note_commit() -> None:
        nonlocal committed
        committed = time.perf_counter()

    def watch(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        nonlocal ended
        if not spent:
            transaction.on_commit(note_commit)
        started = time.perf_counter()
        try:
            return execute(sql, params, many, context)
        finally:
            ended = time.perf_counter()
            spent.append(ended - started)

    with connection.execute_wrapper(watch), _clocked() as whole:
        outcome = act()
    return outcome, (sum(spent) + committed - ended) * 1000, whole[0], len(spent)


@contextmanager
def _clocked() -> Iterator[list[float]]:
    found: list[float] = []
    started = time.perf_counter()
    yield found
    found.append((time.perf_counter() - started) * 1000)


def _academy(people: int, seats: int) -> tuple[Organization, list[Actor]]:
    """Make an organization with so many members and seats."""
    prefix = f"seats-{next(_numbers)}"
    [organization] = make_tenants(1, prefix=prefix)
    with in_public():
        plan, _ = Plan.objects.get_or_create(code="bench", defaults={"name": "Bench"})
        users = User.objects.bulk_create(User(email=f"{number}@{prefix}.example") for number in range(people))
        members = Membership.objects.bulk_create(
            Membership(organization=organization, user=user, status=MembershipStatus.ACTIVE) for user in users
        )
        Subscription.objects.create(
            organization=organization, plan=plan, purchased=seats, starts_at=clock.now()
        )
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE accounts_membership, accounts_user")
    return organization, [
        Actor(
            kind=ActorKind.MEMBER,
            user_id=member.user_id,
            membership_id=member.id,
            organization_id=organization.id,
            role=Role.LEARNER,
        )
        for member in members
    ]


def _system(organization: Organization) -> Actor:
    return system_actor("benchmarks", organization.id)
