"""What each state of a subscription lets people do: by the clock, without a job, back at once when paid."""

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from billing.enums import AccessLevel, SeatState, SubscriptionStatus
from billing.errors import GraceOutOfRange, NothingOwed, SubscriptionNotOpen
from billing.models import DunningNotice, Plan, SeatAssignment, Subscription, SubscriptionInvoice
from billing.selectors.access import explain_access, level_of, seats_open, tell_access
from billing.services.access.access import (
    do_follow_access,
    do_follow_invoice,
    end_kept_seats,
    extend_grace,
)
from billing.services.operators.subscriptions import cancel_subscription, grant_subscription
from billing.services.seats.seats import do_assign_seats
from shared_apps.core import clock
from shared_apps.core.actors import Actor, ActorKind, Role, system_actor
from shared_apps.core.errors import Forbidden, NotFound
from tenants.models import Organization
from tests.conftest import MemberMaker

NOON = datetime(2027, 3, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
OPERATOR = Actor(kind=ActorKind.OPERATOR, label="operator@palaestra.example")
TESTS = system_actor("tests")
_numbers = itertools.count(1)


def subscribed(organization: Organization, seats: int = 5, **facts: Any) -> Subscription:
    """Give the organization a subscription bought by card."""
    plan, _ = Plan.objects.get_or_create(code="team", defaults={"name": "Team", "max_seats": 500})
    return Subscription.objects.create(
        organization=organization,
        plan=plan,
        purchased=seats,
        starts_at=clock.now(),
        gateway_ref=f"sub_{next(_numbers)}",
        **facts,
    )


def moved(row: Subscription, status: SubscriptionStatus | str) -> Subscription:
    """Bring the subscription to a status, as the mirror does."""
    before, row.status = row.status, SubscriptionStatus(status)
    behind = row.status in {SubscriptionStatus.PAST_DUE, SubscriptionStatus.UNPAID}
    row.past_due_since = (row.past_due_since or clock.now()) if behind else None
    if row.status in {SubscriptionStatus.CANCELED, SubscriptionStatus.EXPIRED}:
        row.canceled_at = clock.now()
    row.save_fields("status", "past_due_since", "canceled_at")
    do_follow_access(row, status_before=before)
    return row


def invoiced(row: Subscription, status: str = "paid", minor: int = 6_000) -> SubscriptionInvoice:
    return SubscriptionInvoice.objects.create(
        organization_id=row.organization_id,
        subscription=row,
        gateway_ref=f"in_{next(_numbers)}",
        number="INV-7",
        status=status,
        currency="eur",
        subtotal_minor=minor,
        discount_minor=0,
        tax_minor=0,
        total_minor=minor,
        due_minor=minor,
        paid_minor=minor if status == "paid" else 0,
        issued_at=clock.now(),
        hosted_url="https://pay.example/in_7",
    )


def level(organization: Organization, at: datetime) -> AccessLevel:
    """Return the level as it is explained at an instant, nothing having run since."""
    with clock.frozen_at(at):
        return explain_access(organization_id=organization.id).level


@pytest.mark.feature("SUB-05")
@pytest.mark.parametrize(
    ("status", "at_once", "opens_seats"),
    [
        ("trialing", AccessLevel.FULL, True),
        ("active", AccessLevel.FULL, True),
        ("past_due", AccessLevel.FULL, True),
        ("unpaid", AccessLevel.READ_ONLY, False),
        ("paused", AccessLevel.READ_ONLY, False),
        ("canceled", AccessLevel.CLOSED, False),
    ],
)
def test_each_state_has_its_access(
    acme: Organization, status: str, at_once: AccessLevel, opens_seats: bool
) -> None:
    with clock.frozen_at(NOON):
        row = subscribed(acme)
        invoiced(row)
        moved(row, status)
    assert level(acme, NOON) == at_once
    assert seats_open(row, NOON) is opens_seats
    acme.refresh_from_db()
    columns = AccessLevel.FULL if at_once is AccessLevel.NO_NEW_SEATS else at_once
    assert level_of(acme.ref(), NOON) == columns


@pytest.mark.feature("SUB-05")
@pytest.mark.parametrize("status", ["incomplete", "expired"])
def test_a_first_payment_that_never_came_gives_no_seats_and_takes_nothing(
    acme: Organization, status: str
) -> None:
    row = moved(subscribed(acme), status)
    assert seats_open(row, clock.now()) is False
    found = explain_access(organization_id=acme.id)
    if status == "incomplete":
        assert (found.level, found.what_to_do) == (AccessLevel.NO_NEW_SEATS, ("finish_payment",))
    else:
        assert found.level is AccessLevel.FULL
    acme.refresh_from_db()
    assert (acme.read_only_from, acme.closed_from) == (None, None)


def test_a_canceled_first_payment_closes_nothing_until_an_invoice_shows_that_it_was_paid(
    acme: Organization,
) -> None:
    row = moved(subscribed(acme), "canceled")
    acme.refresh_from_db()
    assert acme.closed_from is None
    # when the message of the invoice comes after that of the subscription
    invoiced(row)
    do_follow_invoice(row)
    acme.refresh_from_db()
    assert acme.closed_from == row.canceled_at


@pytest.mark.feature("BIL-03")
def test_a_debt_restricts_by_the_clock_alone_to_the_minute(acme: Organization) -> None:
    with clock.frozen_at(NOON):
        row = moved(subscribed(acme), "past_due")
    no_seats, read_only = NOON + timedelta(days=3), NOON + timedelta(days=7)
    assert level(acme, no_seats - MINUTE) == AccessLevel.FULL
    assert level(acme, no_seats) == AccessLevel.NO_NEW_SEATS
    assert level(acme, read_only - MINUTE) == AccessLevel.NO_NEW_SEATS
    assert level(acme, read_only) == AccessLevel.READ_ONLY
    assert (seats_open(row, no_seats - MINUTE), seats_open(row, no_seats)) == (True, False)


def test_what_is_explained_names_cause_instants_and_cure(acme: Organization) -> None:
    with clock.frozen_at(NOON):
        row = moved(subscribed(acme), "past_due")
        invoiced(row, "open")
    with clock.frozen_at(NOON + timedelta(days=4)):
        found = explain_access(organization_id=acme.id)
    assert (found.since, found.until) == (NOON + timedelta(days=3), NOON + timedelta(days=7))
    assert (found.reason, found.what_to_do) == ("past_due", ("pay_invoice", "update_payment_method"))
    assert found.pay_url == "https://pay.example/in_7"


def test_seats_are_refused_in_grace_after_three_days_and_given_before(
    acme: Organization, member: MemberMaker
) -> None:
    first, second = member(acme), member(acme)
    with clock.frozen_at(NOON):
        moved(subscribed(acme), "past_due")
    with clock.frozen_at(NOON + timedelta(days=3) - MINUTE):
        do_assign_seats(actor=TESTS, organization_id=acme.id, membership_ids=[first.id])
    with clock.frozen_at(NOON + timedelta(days=3)), pytest.raises(SubscriptionNotOpen):
        do_assign_seats(actor=TESTS, organization_id=acme.id, membership_ids=[second.id])


@pytest.mark.feature("BIL-03")
def test_paying_gives_everything_back_at_once_without_loss(acme: Organization, member: MemberMaker) -> None:
    people = [member(acme).id for _ in range(3)]
    with clock.frozen_at(NOON):
        row = subscribed(acme)
        do_assign_seats(actor=TESTS, organization_id=acme.id, membership_ids=people)
        moved(row, "past_due")
    with clock.frozen_at(NOON + timedelta(days=9)):
        moved(row, "unpaid")
        assert level(acme, clock.now()) == AccessLevel.READ_ONLY
        moved(row, "active")
        assert level(acme, clock.now()) == AccessLevel.FULL
    row.refresh_from_db()
    assert (row.used, row.grace_until, row.past_due_since) == (3, None, None)
    acme.refresh_from_db()
    assert (acme.read_only_from, acme.closed_from) == (None, None)


def test_the_gateway_giving_up_early_ends_the_grace(acme: Organization) -> None:
    with clock.frozen_at(NOON):
        row = moved(subscribed(acme), "past_due")
    with clock.frozen_at(NOON + timedelta(days=2)):
        moved(row, "unpaid")
        assert level(acme, clock.now()) == AccessLevel.READ_ONLY
    # seen again, it does not move
    with clock.frozen_at(NOON + timedelta(days=3)):
        moved(row, "unpaid")
    acme.refresh_from_db()
    assert acme.read_only_from == NOON + timedelta(days=2)


def test_a_pause_keeps_its_begin(acme: Organization) -> None:
    with clock.frozen_at(NOON):
        row = moved(subscribed(acme), "paused")
    with clock.frozen_at(NOON + timedelta(days=1)):
        moved(row, "paused")
        found = explain_access(organization_id=acme.id)
    assert (found.level, found.since) == (AccessLevel.READ_ONLY, NOON)
    assert found.what_to_do == ("resume_subscription",)


@pytest.mark.feature("BIL-03")
def test_an_operator_extends_a_grace_that_is_over(acme: Organization) -> None:
    with clock.frozen_at(NOON):
        row = moved(subscribed(acme), "past_due")
    later = NOON + timedelta(days=8)
    until = NOON + timedelta(days=20)
    with clock.frozen_at(later):
        assert level(acme, later) == AccessLevel.READ_ONLY
        extend_grace(actor=OPERATOR, subscription_id=row.id, until=until, note="talked to them")
    assert level(acme, until - MINUTE) == AccessLevel.NO_NEW_SEATS
    assert level(acme, until) == AccessLevel.READ_ONLY
    # the gateway giving up does not overrule the operator
    row.refresh_from_db()
    with clock.frozen_at(later + timedelta(days=1)):
        moved(row, "unpaid")
    assert level(acme, until - MINUTE) == AccessLevel.NO_NEW_SEATS
    assert level(acme, until) == AccessLevel.READ_ONLY


def test_a_grace_is_extended_by_operators_only_and_within_bounds(
    acme: Organization, member: MemberMaker
) -> None:
    with clock.frozen_at(NOON):
        row = moved(subscribed(acme), "past_due")
        admin = Actor(kind=ActorKind.MEMBER, role=Role.OWNER, organization_id=acme.id)
        with pytest.raises(Forbidden):
            extend_grace(actor=admin, subscription_id=row.id, until=NOON + timedelta(days=9))
        for until in (NOON, NOON + timedelta(days=91)):
            with pytest.raises(GraceOutOfRange):
                extend_grace(actor=OPERATOR, subscription_id=row.id, until=until)
        row.refresh_from_db()
        assert row.grace_until == NOON + timedelta(days=7)
        moved(row, "active")
        with pytest.raises(NothingOwed):
            extend_grace(actor=OPERATOR, subscription_id=row.id, until=NOON + timedelta(days=9))


def test_a_granted_subscription_is_as_ever(acme: Organization) -> None:
    with clock.frozen_at(NOON):
        Plan.objects.get_or_create(code="team", defaults={"name": "Team"})
        granted = grant_subscription(
            actor=OPERATOR,
            organization_id=acme.id,
            plan_code="team",
            seats=5,
            ends_at=NOON + timedelta(days=1),
        )
    assert level(acme, NOON) == AccessLevel.FULL
    assert level(acme, NOON + timedelta(days=1)) == AccessLevel.NO_NEW_SEATS
    with clock.frozen_at(NOON):
        cancel_subscription(actor=OPERATOR, subscription_id=granted.id)
    assert level(acme, NOON + timedelta(days=2)) == AccessLevel.FULL


def test_a_grant_opens_what_an_ended_subscription_closed(acme: Organization) -> None:
    row = subscribed(acme)
    invoiced(row)
    moved(row, "canceled")
    assert explain_access(organization_id=acme.id).level == AccessLevel.CLOSED
    grant_subscription(actor=OPERATOR, organization_id=acme.id, plan_code="team", seats=5)
    assert explain_access(organization_id=acme.id).level == AccessLevel.FULL


# --- Seats of a subscription that is over ------------------------------------------------------


@pytest.fixture
def ended(acme: Organization, member: MemberMaker) -> tuple[Subscription, list[Any]]:
    """A paid subscription that ended at noon, with three people in their seats, the second one gone since."""
    people = [member(acme) for _ in range(3)]
    with clock.frozen_at(NOON):
        row = subscribed(acme)
        invoiced(row)
        for person in people:
            do_assign_seats(actor=TESTS, organization_id=acme.id, membership_ids=[person.id])
        moved(row, "canceled")
    return row, people


def holders_of(row: Subscription) -> set[Any]:
    rows = SeatAssignment.objects.filter(subscription=row).exclude(state=SeatState.REVOKED)
    return set(rows.values_list("membership_id", flat=True))


def test_seats_are_kept_for_thirty_days_then_ended_with_their_history(
    acme: Organization, ended: tuple[Subscription, list[Any]]
) -> None:
    row, people = ended
    end = NOON + timedelta(days=30)
    with clock.frozen_at(end - MINUTE):
        assert end_kept_seats() == 0
        assert explain_access(organization_id=acme.id).seats_kept_until == end
    assert holders_of(row) == {person.id for person in people}
    with clock.frozen_at(end):
        assert (end_kept_seats(), end_kept_seats()) == (3, 0)
    assert holders_of(row) == set()
    reasons = SeatAssignment.objects.filter(subscription=row).values_list("revoked_reason", flat=True)
    assert list(reasons) == ["subscription ended"] * 3
    row.refresh_from_db()
    assert row.used == 0


def test_a_new_subscription_gives_people_their_seats_back_as_far_as_they_suffice(
    acme: Organization, ended: tuple[Subscription, list[Any]]
) -> None:
    row, people = ended
    with clock.frozen_at(NOON + timedelta(days=10)):
        again = moved(subscribed(acme, seats=2), "active")
        assert level(acme, clock.now()) == AccessLevel.FULL
    assert holders_of(again) == {people[0].id, people[1].id}
    assert holders_of(row) == set()
    again.refresh_from_db()
    assert again.used == 2


def test_who_left_meanwhile_gets_no_seat_back(
    acme: Organization, ended: tuple[Subscription, list[Any]]
) -> None:
    _, people = ended
    people[0].status = "removed"
    people[0].save(update_fields=["status"])
    with clock.frozen_at(NOON + timedelta(days=10)):
        again = moved(subscribed(acme, seats=2), "active")
    assert holders_of(again) == {people[1].id, people[2].id}


def test_an_unpaid_new_subscription_opens_nothing_and_moves_no_seat(
    acme: Organization, ended: tuple[Subscription, list[Any]]
) -> None:
    row, people = ended
    with clock.frozen_at(NOON + timedelta(days=10)):
        again = moved(subscribed(acme), "incomplete")
        assert level(acme, clock.now()) == AccessLevel.CLOSED
        assert holders_of(row) == {person.id for person in people}
        moved(again, "active")
    assert holders_of(again) == {person.id for person in people}


def test_another_organization_is_not_touched(
    acme: Organization, globex: Organization, ended: tuple[Subscription, list[Any]]
) -> None:
    assert explain_access(organization_id=globex.id).level == AccessLevel.FULL
    moved(subscribed(globex), "active")
    row, people = ended
    assert holders_of(row) == {person.id for person in people}
    admin = Actor(kind=ActorKind.MEMBER, role=Role.OWNER, organization_id=globex.id)
    with pytest.raises(NotFound):
        tell_access(actor=admin, organization_id=acme.id)


def test_notices_of_a_shorter_grace_are_told_anew(acme: Organization) -> None:
    with clock.frozen_at(NOON):
        row = moved(subscribed(acme), "past_due")
        invoiced(row, "open")
    with clock.frozen_at(NOON + timedelta(days=8)):
        do_follow_access(row, status_before="past_due")
        assert "read_only" in set(DunningNotice.objects.values_list("stage", flat=True))
        extend_grace(actor=OPERATOR, subscription_id=row.id, until=NOON + timedelta(days=20))
    stages = set(DunningNotice.objects.values_list("stage", flat=True))
    assert stages == {"payment_failed", "no_new_seats"}
