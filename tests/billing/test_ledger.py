"""The ledger of seats: every change is posted, by whoever sends it, once and for good."""

import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, IntegrityError, connection, transaction
from psycopg.errors import InsufficientPrivilege

from billing.enums import EntryKind
from billing.models import Drift, GatewayEvent, SeatAct, SeatAssignment, SeatEntry, Subscription
from billing.selectors.ledger import audit_ledger, list_entries
from billing.services.changes.previewed import confirm_change, preview_change
from billing.services.seats.ledger import audit_seats, because
from billing.services.seats.seats import (
    assign_seats,
    claim_seat,
    do_activate_seat,
    reassign_seat,
    revoke_seat,
)
from shared_apps.accounts.enums import MembershipStatus
from shared_apps.accounts.models import Membership
from shared_apps.core import clock
from shared_apps.core.actors import Actor, Role
from shared_apps.core.ids import new_id
from tenants.context import in_organization, in_public
from tenants.models import Organization
from tests.billing.conftest import Account, deliver_all
from tests.billing.test_seats import actor_of
from tests.support.subscriptions import make_subscription

Members = Callable[..., Membership]


def entries(**wanted: object) -> list[tuple[int, str, int, int, int]]:
    """Return version, kind, seats and the numbers after it, oldest first."""
    rows = SeatEntry.objects.filter(**wanted).order_by("version")
    return list(rows.values_list("version", "kind", "seats", "purchased_after", "used_after"))


def run(statement: str, parameters: Any = None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)


@contextmanager
def without_triggers() -> Iterator[None]:
    """Send statements that go round the ledger."""
    tables = ("billing_subscription", "billing_seatassignment", "billing_seatentry")
    run("SET CONSTRAINTS ALL IMMEDIATE")
    for table in tables:
        run(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    yield
    for table in tables:
        run(f"ALTER TABLE {table} ENABLE TRIGGER USER")
    run("SET CONSTRAINTS ALL DEFERRED")


@contextmanager
def undone() -> Iterator[None]:
    """Roll back what happens inside."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@pytest.fixture
def admin(acme: Organization, member: Members) -> Actor:
    return actor_of(member(acme, Role.ADMIN))


@pytest.mark.feature("SEA-03", "P02")
def test_every_change_of_seats_is_posted(acme: Organization, member: Members, admin: Actor) -> None:
    subscription = make_subscription(acme, 3)
    joined, invited, other = member(acme), member(acme, status=MembershipStatus.INVITED), member(acme)
    first, second = assign_seats(actor=admin, organization_id=acme.id, membership_ids=[joined.id, invited.id])
    with transaction.atomic():
        do_activate_seat(organization_id=acme.id, membership_id=invited.id)
    reassign_seat(actor=admin, organization_id=acme.id, seat_id=first.id, to_membership_id=other.id)
    revoke_seat(actor=admin, organization_id=acme.id, seat_id=second.id, reason="left")
    subscription.refresh_from_db()
    subscription.purchased, subscription.comped = 7, 2
    subscription.save_fields("purchased", "comped")
    assert entries() == [
        (1, "bought", 3, 3, 0),
        (2, "activated", 1, 3, 1),
        (3, "assigned", 1, 3, 2),
        (4, "activated", 0, 3, 2),
        (5, "revoked", -1, 3, 1),
        (6, "activated", 1, 3, 2),
        (7, "revoked", -1, 3, 1),
        (8, "bought", 2, 5, 1),
        (9, "comped", 2, 7, 1),
    ]
    revoked = SeatEntry.objects.get(version=7)
    assert (revoked.membership_id, revoked.assignment_id, revoked.actor_id) == (
        invited.id,
        second.id,
        admin.user_id,
    )
    assert revoked.at == SeatAssignment.objects.get(id=second.id).revoked_at


def test_a_repeat_and_a_refusal_post_nothing(acme: Organization, member: Members, admin: Actor) -> None:
    make_subscription(acme, 1)
    holder, other = member(acme), member(acme)
    [seat] = assign_seats(actor=admin, organization_id=acme.id, membership_ids=[holder.id])
    assign_seats(actor=admin, organization_id=acme.id, membership_ids=[holder.id])
    SeatAssignment.objects.filter(id=seat.id).update(revoked_reason="")
    before = entries()
    with pytest.raises(IntegrityError), transaction.atomic():
        SeatAssignment.objects.create(
            subscription_id=seat.subscription_id, organization=acme, membership=other
        )
    assert entries() == before == [(1, "bought", 1, 1, 0), (2, "activated", 1, 1, 1)]


def test_raw_statements_over_several_subscriptions_are_posted_to_each(
    acme: Organization, globex: Organization, member: Members
) -> None:
    subscriptions = {each: make_subscription(each, 4) for each in (acme, globex)}
    rows = [
        SeatAssignment(subscription=subscriptions[each], organization=each, membership=member(each))
        for each in (acme, globex, acme, globex, acme)
    ]
    SeatAssignment.objects.bulk_create(rows)
    run("UPDATE billing_seatassignment SET state = 'revoked', revoked_at = now() WHERE state = 'invited'")
    assert entries(organization_id=acme.id) == [
        (1, "bought", 4, 4, 0),
        *[(2 + n, "assigned", 1, 4, 1 + n) for n in range(3)],
        *[(5 + n, "revoked", -1, 4, 2 - n) for n in range(3)],
    ]
    assert [each[0] for each in entries(organization_id=globex.id)] == [1, 2, 3, 4, 5]


def test_what_is_deleted_is_posted_too(acme: Organization, member: Members) -> None:
    subscription = make_subscription(acme, 3, comped=1)
    SeatAssignment.objects.create(subscription=subscription, organization=acme, membership=member(acme))
    SeatAssignment.objects.all().delete()
    Subscription.objects.all().delete()
    assert entries() == [
        (1, "bought", 2, 2, 0),
        (2, "comped", 1, 3, 0),
        (3, "assigned", 1, 3, 1),
        (4, "revoked", -1, 3, 0),
        (5, "comped", -1, 2, 0),
        (6, "bought", -2, 0, 0),
    ]
    assert SeatEntry.objects.get(version=4).cause == "deleted"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE billing_seatentry SET seats = 0",
        "DELETE FROM billing_seatentry",
        "TRUNCATE billing_seatentry",
    ],
)
def test_the_ledger_is_append_only(acme: Organization, statement: str) -> None:
    make_subscription(acme, 3)
    with pytest.raises(DatabaseError) as refused, transaction.atomic():
        run(statement)
    assert isinstance(refused.value.__cause__, InsufficientPrivilege)
    assert entries() == [(1, "bought", 3, 3, 0)]


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO public.billing_seatentry (organization_id, subscription_id, version, kind, seats,"
        " purchased_after, used_after, at) VALUES (%(id)s, %(id)s, 1, 'bought', 9, 9, 0, now())",
        "UPDATE public.billing_seatentry SET seats = 0",
        "SELECT public.write_seat_entries(ARRAY[]::public.seat_move[], true)",
        "SELECT public.open_seat_ledger(%(id)s)",
        "SELECT public.seat_cause(1)",
        "SELECT public.post_seats()",
    ],
)
def test_a_tenant_posts_only_by_its_seats(acme: Organization, statement: str) -> None:
    with in_organization(acme), pytest.raises(DatabaseError), transaction.atomic():
        run(statement, {"id": new_id()})


@pytest.mark.feature("SEA-01")
@pytest.mark.parametrize("foreign", ["subscription", "membership"])
def test_a_tenant_posts_nothing_to_anothers_ledger(
    acme: Organization, globex: Organization, member: Members, foreign: str
) -> None:
    """Whatever SQL it sends: a stranger's subscription gives it no seat, a stranger's member holds none."""
    theirs = {
        "subscription": make_subscription(acme, seats=5).id,
        "membership": member(acme, Role.LEARNER).id,
    }
    ours = {
        "subscription": make_subscription(globex, seats=5).id,
        "membership": member(globex, Role.LEARNER).id,
    }
    named = {**ours, foreign: theirs[foreign]}
    before = SeatEntry.objects.count()
    with in_organization(globex), pytest.raises(DatabaseError) as refused, transaction.atomic():
        run(
            "INSERT INTO public.billing_seatassignment (id, created_at, updated_at, subscription_id,"
            " organization_id, membership_id, state, revoked_reason)"
            " VALUES (%s, now(), now(), %s, %s, %s, 'active', '')",
            [new_id(), named["subscription"], globex.id, named["membership"]],
        )
    assert isinstance(refused.value.__cause__, InsufficientPrivilege)
    assert SeatEntry.objects.count() == before
    assert not SeatAssignment.objects.exists()


def test_a_tenant_keeps_no_act_on_anothers_subscription(acme: Organization, globex: Organization) -> None:
    theirs = make_subscription(acme, seats=5)
    with in_organization(globex), pytest.raises(DatabaseError) as refused, transaction.atomic():
        SeatAct.objects.create(
            organization_id=globex.id, subscription_id=theirs.id, kind="assign", undo_until=clock.now()
        )
    assert isinstance(refused.value.__cause__, InsufficientPrivilege)


def test_a_claim_in_a_tenants_role_is_posted(acme: Organization, member: Members) -> None:
    make_subscription(acme, 1)
    learner = member(acme)
    with in_organization(acme):
        claim_seat(actor=actor_of(learner), organization_id=acme.id)
        assert [entry.kind for entry in list_entries(organization_id=acme.id)] == ["activated", "bought"]
    assert SeatEntry.objects.get(version=2).actor_id == learner.user_id


def test_why_is_told_by_who_does_it_and_by_rows_first(acme: Organization, member: Members) -> None:
    change, act = new_id(), new_id()
    subscription = make_subscription(acme, 3)
    with transaction.atomic():
        with because("change", change, actor_id=act):
            subscription.purchased = 5
            subscription.save_fields("purchased")
            SeatAssignment.objects.create(
                subscription=subscription, organization=acme, membership=member(acme), given_in_id=act
            )
        SeatAssignment.objects.create(subscription=subscription, organization=acme, membership=member(acme))
    found = SeatEntry.objects.order_by("version").values_list("cause", "cause_id", "actor_id")
    assert list(found)[1:] == [("change", change, act), ("act", act, act), ("", None, None)]


def test_time_does_not_go_back_in_a_ledger(acme: Organization, member: Members) -> None:
    subscription = make_subscription(acme, 3)
    opened = SeatEntry.objects.get().at
    SeatAssignment.objects.create(
        subscription=subscription,
        organization=acme,
        membership=member(acme),
        created_at=opened - timedelta(days=3),
    )
    assert SeatEntry.objects.get(version=2).at == opened


def test_a_ledger_from_before_ledgers_is_opened_once(acme: Organization, member: Members) -> None:
    day = timedelta(days=1)
    with without_triggers():
        subscription = make_subscription(acme, 5, comped=1, used=2)
        begin = subscription.created_at
        facts: list[dict[str, object]] = [
            {"state": "active", "activated_at": begin + 2 * day},
            {"state": "invited"},
            {"state": "revoked", "revoked_at": begin + day},
        ]
        for fact in facts:
            SeatAssignment.objects.create(
                subscription=subscription,
                organization=acme,
                membership=member(acme),
                created_at=begin + day,
                **fact,
            )
    # Until it is opened nothing is posted to it: numbers without a ground would be wrong for ever.
    SeatAssignment.objects.create(
        subscription=subscription, organization=acme, membership=member(acme), created_at=begin + 3 * day
    )
    assert entries() == []
    assert "opened" in {fault.fact for fault in audit_ledger(organization_id=acme.id)}
    for _ in range(2):
        run("SELECT public.open_seat_ledger(%s)", [subscription.id])
    assert entries() == [
        (1, "bought", 4, 4, 0),
        (2, "comped", 1, 5, 0),
        (3, "assigned", 1, 5, 1),
        (4, "assigned", 1, 5, 2),
        (5, "activated", 0, 5, 2),
        (6, "assigned", 1, 5, 3),
    ]
    assert [entry.at - begin for entry in SeatEntry.objects.order_by("version")[2:]] == [
        day,
        day,
        2 * day,
        3 * day,
    ]
    assert {entry.cause for entry in SeatEntry.objects.all()} == {"opening"}


@pytest.mark.feature("P02")
def test_the_audit_finds_what_went_round_the_triggers(
    acme: Organization, globex: Organization, member: Members
) -> None:
    subscription = make_subscription(acme, 3)
    make_subscription(globex, 3)
    SeatAssignment.objects.create(subscription=subscription, organization=acme, membership=member(acme))
    broken = {
        "UPDATE billing_subscription SET purchased = 4 WHERE organization_id = %s": [("purchased", 3, 4)],
        "UPDATE billing_subscription SET used = 2 WHERE organization_id = %s": [
            ("live", 1, 2),
            ("used", 1, 2),
        ],
        "DELETE FROM billing_seatassignment WHERE organization_id = %s": [("live", 0, 1)],
        "UPDATE billing_seatentry SET seats = 2 WHERE version = 2 AND organization_id = %s": [
            ("used", 2, 1),
            ("running", 2, 1),
        ],
        "DELETE FROM billing_seatentry WHERE version = 1 AND organization_id = %s": [
            ("purchased", 0, 3),
            ("versions", 2, 1),
            ("running", 2, 1),
        ],
    }
    assert audit_ledger(organization_id=None) == []
    for statement, facts in broken.items():
        with undone():
            with without_triggers():
                run(statement, [acme.id])
            found = audit_ledger(organization_id=None)
            assert [(each.fact, each.ledger, each.rows) for each in found] == facts, statement
            assert audit_ledger(organization_id=globex.id) == []


def test_the_nightly_audit_keeps_a_fault_until_it_is_gone(acme: Organization) -> None:
    make_subscription(acme, 3)
    with without_triggers():
        Subscription.objects.update(purchased=4)
        for _ in range(2):
            assert [fault.fact for fault in audit_seats()] == ["purchased"]
        drift = Drift.objects.get()
        assert (drift.organization_id, drift.fact, drift.ours, drift.theirs) == (
            acme.id,
            "ledger_purchased",
            "4",
            "3",
        )
        with pytest.raises(CommandError):
            call_command("audit_seats", stdout=StringIO())
        Subscription.objects.update(purchased=3)
        assert audit_seats() == []
        drift.refresh_from_db()
        assert drift.resolved_at is not None
    said = StringIO()
    call_command("audit_seats", stdout=said)
    assert said.getvalue() == "All ledgers are right.\n"


@pytest.mark.slow
def test_statements_that_forgot_the_lock_leave_no_gap(
    committed: None, acme: Organization, member: Members
) -> None:
    subscription = make_subscription(acme, 40)
    people = [member(acme).id for _ in range(40)]

    def take(membership_id: uuid.UUID) -> None:
        try:
            with in_public():
                SeatAssignment.objects.create(
                    subscription_id=subscription.id, organization_id=acme.id, membership_id=membership_id
                )
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(take, people))
    assert entries()[-1] == (41, EntryKind.ASSIGNED, 1, 40, 40)
    assert audit_ledger(organization_id=acme.id) == []


def test_a_purchase_names_the_message_or_the_change_that_brought_it(account: Account) -> None:
    account.subscribe(seats=4)
    deliver_all(account.server)
    messages = set(GatewayEvent.objects.values_list("id", flat=True))
    first = SeatEntry.objects.get(kind="bought")
    assert (first.seats, first.cause) == (4, "message")
    assert first.cause_id in messages
    shown = preview_change(actor=account.actor, organization_id=account.organization.id, seats=9)
    change = confirm_change(actor=account.actor, organization_id=account.organization.id, token=shown.token)
    last = SeatEntry.objects.order_by("version").last()
    assert last is not None
    assert (last.seats, last.cause, last.cause_id) == (5, "change", change.id)
