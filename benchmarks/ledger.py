"""Postings of the seat ledger: by the database in the statement that moves a seat, and by plain ORM.

Both do the same thing in one run: give a seat to somebody or take it back, move the counter, write the entry
with its version. The ORM's way (lock the row, save the counter, save the holding, create the entry) works on
copies of the tables with the same indexes and keys and without triggers. Each thread has a subscription of
its own; then all work on one.
"""

import itertools
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from statistics import median
from typing import Any, ClassVar

from django.db import connection, models, transaction

from benchmarks.many import count_from_environment, make_tenants, quiet_log
from benchmarks.stack import Stack
from billing.models import Plan, SeatAssignment, SeatEntry, Subscription
from billing.selectors.ledger import audit_ledger
from shared_apps.accounts.enums import MembershipStatus
from shared_apps.accounts.models import Membership, User
from shared_apps.core import clock
from shared_apps.core.ids import new_id
from tenants.context import in_public
from tenants.models import Organization

NAME = "ledger"
DESCRIPTION = "postings of the seat ledger a second, by the database and by plain ORM, and its audit"
_PEOPLE = 50

_COPIES = {
    "bench_subscription": "billing_subscription",
    "bench_seat": "billing_seatassignment",
    "bench_entry": "billing_seatentry",
}
_KEYS = (
    "ALTER TABLE bench_seat ADD FOREIGN KEY (subscription_id) REFERENCES bench_subscription,"
    " ADD FOREIGN KEY (organization_id) REFERENCES tenants_organization,"
    " ADD FOREIGN KEY (membership_id) REFERENCES accounts_membership"
)
_GIVE = """
INSERT INTO billing_seatassignment (id, created_at, updated_at, subscription_id, organization_id,
       membership_id, state, activated_at, revoked_reason)
VALUES (%(id)s, %(at)s, %(at)s, %(subscription)s, %(organization)s, %(member)s, 'active', %(at)s, '')
"""
_TAKE = """
UPDATE billing_seatassignment SET state = 'revoked', revoked_at = %(at)s, updated_at = %(at)s
 WHERE id = %(id)s
"""


class _CopiedSubscription(models.Model):  # noqa: DJ008
    objects: ClassVar[models.Manager[Any]] = models.Manager()
    id = models.UUIDField(primary_key=True)
    used = models.IntegerField()
    purchased = models.IntegerField()

    class Meta:
        app_label = "benchmarks"
        managed = False
        db_table = "bench_subscription"


class _CopiedSeat(models.Model):  # noqa: DJ008
    objects: ClassVar[models.Manager[Any]] = models.Manager()
    id = models.UUIDField(primary_key=True, default=new_id)
    created_at = models.DateTimeField(default=clock.now)
    updated_at = models.DateTimeField(default=clock.now)
    subscription_id = models.UUIDField()
    organization_id = models.UUIDField()
    membership_id = models.UUIDField()
    state = models.CharField(max_length=10)
    activated_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    revoked_reason = models.CharField(max_length=200)

    class Meta:
        app_label = "benchmarks"
        managed = False
        db_table = "bench_seat"


class _CopiedEntry(models.Model):  # noqa: DJ008
    objects: ClassVar[models.Manager[Any]] = models.Manager()
    id = models.BigAutoField(primary_key=True)
    organization_id = models.UUIDField()
    subscription_id = models.UUIDField()
    version = models.IntegerField()
    kind = models.CharField(max_length=10)
    seats = models.IntegerField()
    membership_id = models.UUIDField(null=True)
    assignment_id = models.UUIDField(null=True)
    purchased_after = models.IntegerField()
    used_after = models.IntegerField()
    at = models.DateTimeField()

    class Meta:
        app_label = "benchmarks"
        managed = False
        db_table = "bench_entry"


@dataclass(frozen=True, slots=True)
class Desk:
    """Where a thread gives and takes seats."""

    organization: uuid.UUID
    subscription: uuid.UUID
    members: Sequence[uuid.UUID]


# Gives the member a seat and takes it back: two postings.
Way = Callable[[Desk, uuid.UUID], None]


def run(
    stack: Stack, *, threads: int | None = None, seconds: float | None = None, bulk: int | None = None
) -> dict[str, Any]:
    """Return the figures: postings a second, and milliseconds.

    Args:
        threads: that post at once.
        seconds: for each way, three times.
        bulk: seats given in one statement.
    """
    threads = threads or count_from_environment("BENCH_LEDGER_THREADS", 8)
    seconds = seconds or count_from_environment("BENCH_LEDGER_MILLISECONDS", 3000) / 1000
    bulk = bulk or count_from_environment("BENCH_LEDGER_BULK", 5000)
    with quiet_log(), in_public():
        desks = [_desk(organization) for organization in make_tenants(threads, prefix="ledger")]
        _copy_tables(desks)
        try:
            figures = _compare(stack, desks, seconds)
            figures |= _bulk(bulk)
            figures |= _audit()
        finally:
            _drop_copies()
    return figures


def _compare(stack: Stack, desks: Sequence[Desk], seconds: float) -> dict[str, Any]:
    ours: list[float] = []
    orm: list[float] = []
    alone: list[float] = []
    hot: dict[str, list[float]] = {"database": [], "orm": []}
    for _ in range(3):  # in turn, so that a busy moment meets both
        ours.append(_rate(_by_database, desks, seconds))
        orm.append(_rate(_by_orm, desks, seconds))
        alone.append(_rate(_by_database, desks[:1], seconds))
        one = [_share(desks[0], place, len(desks)) for place in range(len(desks))]
        hot["database"].append(_rate(_by_database, one, seconds))
        hot["orm"].append(_rate(_by_orm, one, seconds))
        stack.say(f"{ours[-1]:.0f} postings/s by the database, {orm[-1]:.0f} by the ORM")
    return {
        "posting.ratio_vs_orm": round(median(a / b for a, b in zip(ours, orm, strict=True)), 2),
        "posting.per_second": round(max(ours)),
        "posting.orm_per_second": round(max(orm)),
        "posting.one_thread_per_second": round(max(alone)),
        "posting.hot_per_second": round(max(hot["database"])),
        "posting.hot_ratio_vs_orm": round(
            median(a / b for a, b in zip(hot["database"], hot["orm"], strict=True)), 2
        ),
        "posting.threads": len(desks),
    }


def _rate(way: Way, desks: Sequence[Desk], seconds: float) -> float:
    """Return postings a second over all threads."""
    # The pool holds as many connections as there are threads; this one only waits for them.
    connection.close()
    together = threading.Barrier(len(desks) + 1)

    def work(desk: Desk) -> int:
        try:
            with in_public():
                together.wait()
                ends, done = time.perf_counter() + seconds, 0
                for member in itertools.cycle(desk.members):
                    way(desk, member)
                    done += 2
                    if time.perf_counter() > ends:
                        return done
                return done
        finally:
            connection.close()

    with ThreadPoolExecutor(len(desks)) as pool:
        asked = [pool.submit(work, desk) for desk in desks]
        together.wait()
        started = time.perf_counter()
        done = sum(each.result() for each in asked)
        return done / (time.perf_counter() - started)


def _by_database(desk: Desk, member: uuid.UUID) -> None:
    identifier = new_id()
    facts: dict[str, Any] = {
        "id": identifier,
        "at": clock.now(),
        "subscription": desk.subscription,
        "organization": desk.organization,
        "member": member,
    }
    with connection.cursor() as cursor:
        cursor.execute(_GIVE, facts)
        cursor.execute(_TAKE, facts)


def _by_orm(desk: Desk, member: uuid.UUID) -> None:
    with transaction.atomic():
        row = _CopiedSubscription.objects.select_for_update().get(id=desk.subscription)
        row.used += 1
        row.save(update_fields=["used"])
        seat = _CopiedSeat.objects.create(
            subscription_id=desk.subscription,
            organization_id=desk.organization,
            membership_id=member,
            state="active",
            activated_at=clock.now(),
            revoked_reason="",
        )
        _enter(desk, row, seat, 1)
    with transaction.atomic():
        row = _CopiedSubscription.objects.select_for_update().get(id=desk.subscription)
        row.used -= 1
        row.save(update_fields=["used"])
        seat.state, seat.revoked_at = "revoked", clock.now()
        seat.save(update_fields=["state", "revoked_at"])
        _enter(desk, row, seat, -1)


def _enter(desk: Desk, row: _CopiedSubscription, seat: _CopiedSeat, seats: int) -> None:
    last = _CopiedEntry.objects.filter(subscription_id=desk.subscription).order_by("-version").first()
    _CopiedEntry.objects.create(
        organization_id=desk.organization,
        subscription_id=desk.subscription,
        version=last.version + 1 if last else 1,
        kind="activated" if seats > 0 else "revoked",
        seats=seats,
        membership_id=seat.membership_id,
        assignment_id=seat.id,
        purchased_after=row.purchased,
        used_after=row.used,
        at=clock.now(),
    )


def _bulk(seats: int) -> dict[str, Any]:
    """Give many seats in one statement, with the posting and with its triggers off."""
    [organization] = make_tenants(1, prefix="ledger-bulk")
    desk = _desk(organization, people=seats)
    took: dict[str, list[float]] = {"on": [], "off": []}
    for state in ("on", "off", "on", "off"):
        with transaction.atomic(), connection.cursor() as cursor:
            if state == "off":
                cursor.execute("ALTER TABLE billing_seatassignment DISABLE TRIGGER seats_then_post")
            at = clock.now()
            rows = [
                SeatAssignment(
                    subscription_id=desk.subscription,
                    organization_id=desk.organization,
                    membership_id=member,
                    state="active",
                    activated_at=at,
                )
                for member in desk.members
            ]
            started = time.perf_counter()
            cursor.execute(
                "INSERT INTO billing_seatassignment (id, created_at, updated_at, subscription_id,"
                " organization_id, membership_id, state, activated_at, revoked_reason)"
                " SELECT n.id, %s, %s, %s, %s, n.member, 'active', %s, ''"
                " FROM unnest(%s::uuid[], %s::uuid[]) AS n(id, member)",
                [
                    at,
                    at,
                    desk.subscription,
                    desk.organization,
                    at,
                    [row.id for row in rows],
                    list(desk.members),
                ],
            )
            took[state].append((time.perf_counter() - started) * 1000)
            transaction.set_rollback(True)
    return {
        "posting.bulk_ms": round(min(took["on"]), 1),
        "posting.bulk_without_ms": round(min(took["off"]), 1),
        "posting.bulk_seats": seats,
    }


def _audit() -> dict[str, Any]:
    started = time.perf_counter()
    faults = audit_ledger(organization_id=None)
    took = (time.perf_counter() - started) * 1000
    assert faults == [], faults  # noqa: S101
    return {"audit.ms": round(took, 1), "audit.entries": SeatEntry.objects.count()}


def _desk(organization: Organization, people: int = _PEOPLE) -> Desk:
    prefix = organization.slug
    plan, _ = Plan.objects.get_or_create(code="bench", defaults={"name": "Bench"})
    users = User.objects.bulk_create(User(email=f"{number}@{prefix}.example") for number in range(people))
    members = Membership.objects.bulk_create(
        Membership(organization=organization, user=user, status=MembershipStatus.ACTIVE) for user in users
    )
    subscription = Subscription.objects.create(
        organization=organization, plan=plan, purchased=people, starts_at=clock.now()
    )
    return Desk(organization.id, subscription.id, [member.id for member in members])


def _share(desk: Desk, place: int, parts: int) -> Desk:
    """Return the desk with a part of its people, so that nobody is given a second seat."""
    return Desk(desk.organization, desk.subscription, desk.members[place::parts])


def _copy_tables(desks: Sequence[Desk]) -> None:
    with connection.cursor() as cursor:
        for copy, original in _COPIES.items():
            cursor.execute(f"CREATE TABLE {copy} (LIKE {original} INCLUDING ALL)")
        cursor.execute(_KEYS)
        cursor.execute(
            "INSERT INTO bench_subscription SELECT * FROM billing_subscription WHERE id = ANY(%s)",
            [[desk.subscription for desk in desks]],
        )


def _drop_copies() -> None:
    with connection.cursor() as cursor:
        for copy in reversed(_COPIES):
            cursor.execute(f"DROP TABLE IF EXISTS {copy}")
