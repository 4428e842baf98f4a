"""Other terms from the next period on, payments that come late or never, and seats given on top."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from billing.enums import ChangeKind, ChangeState, Interval, SubscriptionStatus
from billing.errors import (
    ChangeUnderWay,
    MoreSeatsNow,
    PlanDoesNotFit,
    PriceNotOffered,
    SeatsExhausted,
    SeatsInUse,
    SeatsOutsidePlan,
    SubscriptionEnds,
)
from billing.models import Plan, PlanPrice, Subscription, SubscriptionChange
from billing.services.catalogue.syncing import sync_catalogue
from billing.services.changes.acts import cancel_at_period_end
from billing.services.changes.terms import schedule_terms
from billing.services.seats.seats import assign_seats
from shared_apps.accounts.models import Membership, SignIn
from shared_apps.core import clock
from tests.billing.changing import START, clocked, confirm, last_invoice, mirror, preview, subscribed
from tests.billing.conftest import Account
from tests.support.seed import make_member


def plan_terms(account: Account, **wanted: Any) -> SubscriptionChange:
    return schedule_terms(actor=account.actor, organization_id=account.organization.id, **wanted)


def sell_more(account: Account) -> Plan:
    """Sell the plan by the year, and a larger plan by the month."""
    team = Plan.objects.get(code="team")
    PlanPrice.objects.create(plan=team, interval=Interval.YEAR, currency="eur", unit_minor=12_000)
    business = Plan.objects.create(code="business", name="Business", max_seats=500)
    PlanPrice.objects.create(plan=business, interval=Interval.MONTH, currency="eur", unit_minor=2400)
    sync_catalogue()
    return business


@pytest.mark.feature("BIL-04")
def test_fewer_seats_come_with_the_next_period_and_cap_claims_at_once(account: Account) -> None:
    with clocked(account) as now:
        row = subscribed(account, 10)
        change = plan_terms(account, seats=3)
        row.refresh_from_db()
        assert (change.state, row.purchased, row.pending_purchased) == (ChangeState.SCHEDULED, 10, 3)
        people = [
            make_member(account.organization, email=f"m{n}@acme.example").membership_id for n in range(4)
        ]
        who: Any = {"actor": account.actor, "organization_id": account.organization.id}
        with pytest.raises(SeatsExhausted):
            assign_seats(**who, membership_ids=people)
        assign_seats(**who, membership_ids=people[:3])
        now.move_to(START + timedelta(days=31))
        row = mirror(account, row)
        assert (row.purchased, row.used, row.pending_purchased, row.schedule_ref) == (3, 3, None, "")
        assert last_invoice(account)["total"] == 3 * 1200
        change.refresh_from_db()
        assert change.state == ChangeState.CONFIRMED


def test_more_seats_do_not_wait_for_the_next_period(account: Account) -> None:
    """They could be given out before its first invoice is paid."""
    row = subscribed(account, 10)
    with pytest.raises(MoreSeatsNow) as refused:
        plan_terms(account, seats=11)
    assert refused.value.facts == {"seats": 10}
    assert not SubscriptionChange.objects.exists()
    assert mirror(account, row).schedule_ref == ""


@pytest.mark.feature("BIL-04")
@pytest.mark.parametrize(
    ("wanted", "total", "months"),
    [({"interval": Interval.YEAR}, 120_000, 12), ({"plan_code": "business"}, 24_000, 1)],
)
def test_another_plan_or_interval_comes_with_the_next_period_at_the_present_seats(
    wanted: dict[str, Any], total: int, months: int, account: Account
) -> None:
    sell_more(account)
    with clocked(account) as now:
        row = subscribed(account, 10)
        change = plan_terms(account, **wanted)
        assert (change.state, change.to_seats) == (ChangeState.SCHEDULED, 10)
        row = mirror(account, row)
        assert row.price == account.price
        assert len(account.server.account.all("invoice")) == 1
        now.move_to(START + timedelta(days=31))
        row = mirror(account, row)
        assert row.price == SubscriptionChange.objects.get().to_price
        assert (row.plan, row.purchased) == (row.price.plan, 10)  # type: ignore[union-attr]
        assert last_invoice(account)["total"] == total
        assert row.period_ends_at is not None
        assert (row.period_ends_at - START).days >= 31 + 28 * months
        change.refresh_from_db()
        assert change.state == ChangeState.CONFIRMED


@pytest.mark.feature("BIL-04")
def test_what_was_planned_is_withdrawn_by_naming_nothing(account: Account) -> None:
    row = subscribed(account, 10)
    planned = plan_terms(account, seats=6)
    back = plan_terms(account)
    row.refresh_from_db()
    planned.refresh_from_db()
    assert (back.state, planned.state) == (ChangeState.WITHDRAWN, ChangeState.WITHDRAWN)
    assert (row.pending_purchased, row.schedule_ref) == (None, "")
    calls = len(account.server.calls)
    again = plan_terms(account, seats=10)
    assert (again.state, len(account.server.calls)) == (ChangeState.WITHDRAWN, calls), "nothing to ask for"


def test_a_new_plan_takes_the_place_of_the_one_before_and_the_cap_is_never_too_high(account: Account) -> None:
    row = subscribed(account, 10)
    first, second = plan_terms(account, seats=6), plan_terms(account, seats=8)
    first.refresh_from_db()
    row.refresh_from_db()
    assert (first.state, second.state) == (ChangeState.WITHDRAWN, ChangeState.SCHEDULED)
    assert row.pending_purchased == 8
    [schedule] = account.server.account.all("subscription_schedule")
    assert [phase["items"][0]["quantity"] for phase in schedule["phases"]] == [10, 8]


def test_seats_bought_now_take_the_place_of_a_planned_cut(account: Account) -> None:
    row = subscribed(account, 10)
    planned = plan_terms(account, seats=6)
    shown = preview(account, 15)
    assert "plan_withdrawn" in [each.code for each in shown.happens]
    assert confirm(account, shown.token).state == ChangeState.CONFIRMED
    planned.refresh_from_db()
    row.refresh_from_db()
    assert (planned.state, row.purchased, row.pending_purchased) == (ChangeState.WITHDRAWN, 15, None)
    assert mirror(account, row).schedule_ref == ""


def test_what_cannot_be_had_later_is_refused(account: Account) -> None:
    subscribed(account, 10)
    for seats in (0, 501, 10**9):
        with pytest.raises(SeatsOutsidePlan):
            plan_terms(account, seats=seats)
    with pytest.raises(PriceNotOffered):
        plan_terms(account, plan_code="nowhere")
    small = sell_more(account)
    small.features = {"courses": 2, "storage_mb": 5}
    small.save_fields("features")
    with pytest.raises(PlanDoesNotFit) as refused:
        plan_terms(account, plan_code="business", in_use={"courses": 3, "storage_mb": 5})
    assert refused.value.facts["reasons"] == [{"limit": "courses", "most": 2, "now": 3}]
    cancel_at_period_end(actor=account.actor, organization_id=account.organization.id)
    with pytest.raises(SubscriptionEnds):
        plan_terms(account, seats=6)
    assert SubscriptionChange.objects.filter(kind=ChangeKind.PERIOD_END).count() == 0


def test_whom_to_release_begins_with_the_invited_and_the_longest_gone(account: Account) -> None:
    subscribed(account, 10)
    names = ["here", "gone", "never", "invited"]
    people = {
        name: make_member(account.organization, email=f"{name}@acme.example").membership_id for name in names
    }
    _seen(people["here"], clock.now())
    _seen(people["gone"], clock.now() - timedelta(days=90))
    who: Any = {"actor": account.actor, "organization_id": account.organization.id}
    seats = assign_seats(**who, membership_ids=list(people.values()))
    type(seats[3]).objects.filter(id=seats[3].id).update(state="invited")
    with pytest.raises(SeatsInUse) as refused:
        plan_terms(account, seats=2)
    facts = refused.value.facts
    assert [each["email"].partition("@")[0] for each in facts["holders"]] == [
        "invited",
        "never",
        "gone",
        "here",
    ]
    assert (facts["used"], facts["to_release"]) == (4, 2)


def _seen(membership_id: Any, at: datetime) -> None:
    membership = Membership.objects.get(id=membership_id)
    SignIn.objects.create(
        user_id=membership.user_id,
        organization_id=membership.organization_id,
        membership=membership,
        last_used_at=at,
    )


@pytest.mark.feature("BIL-02")
def test_an_unpaid_change_lapses_after_a_day_and_another_may_be_made(account: Account) -> None:
    with clocked(account) as now:
        row = subscribed(account, 10)
        account.card("decline")
        change = confirm(account, preview(account, 25).token)
        assert change.state == ChangeState.UNPAID
        assert change.facts["until"] == (START + timedelta(hours=23)).isoformat()
        with pytest.raises(ChangeUnderWay) as refused:
            preview(account, 12)
        assert refused.value.facts["invoice_url"] == last_invoice(account)["hosted_invoice_url"]
        now.move(hours=22)
        row = mirror(account, row)
        change.refresh_from_db()
        assert (change.state, row.unpaid_purchased) == (ChangeState.UNPAID, 25)
        now.move(hours=2)
        row = mirror(account, row)
        change.refresh_from_db()
        assert (change.state, change.problem) == (ChangeState.FAILED, "payment_lapsed")
        assert (row.purchased, row.unpaid_purchased) == (10, None)
        account.card("ok")
        assert confirm(account, preview(account, 12).token).state == ChangeState.CONFIRMED
        assert [each["status"] for each in account.server.account.all("invoice")] == ["paid", "void", "paid"]


def test_another_plan_that_waits_for_its_payment_comes_when_it_is_paid(account: Account) -> None:
    business = sell_more(account)
    row = subscribed(account, 10)
    account.card("decline")
    change = confirm(account, preview(account, plan_code="business").token)
    row.refresh_from_db()
    assert (change.state, row.plan.code) == (ChangeState.UNPAID, "team")
    account.card("ok")
    account.gateway.pay_invoice(last_invoice(account)["id"], idempotency_key="payer")
    row = mirror(account, row)
    change.refresh_from_db()
    assert (change.state, row.plan, row.purchased) == (ChangeState.CONFIRMED, business, 10)


def test_seats_given_on_top_are_neither_billed_nor_lost_by_a_change(account: Account) -> None:
    row = subscribed(account, 10)
    Subscription.objects.filter(id=row.id).update(comped=3)
    row = mirror(account, row)
    assert row.purchased == 13
    shown = preview(account, 12)
    assert (shown.from_seats, shown.to_seats) == (10, 12)
    confirm(account, shown.token)
    row.refresh_from_db()
    assert (row.purchased, account.gateway.look_subscription(str(row.gateway_ref)).seats) == (15, 12)
    plan_terms(account, seats=5)
    row.refresh_from_db()
    assert row.pending_purchased == 8


def test_a_change_during_the_trial_costs_nothing_and_the_trial_goes_on(account: Account) -> None:
    Plan.objects.update(trial_days=14)
    with clocked(account) as now:
        row = subscribed(account, 10)
        assert row.status == SubscriptionStatus.TRIALING
        shown = preview(account, 20)
        assert (shown.total_minor, shown.due_minor) == (0, 0)
        assert [each.code for each in shown.happens] == ["seats_added", "trial_goes_on", "renews"]
        confirm(account, shown.token)
        plan_terms(account, seats=5)
        row.refresh_from_db()
        assert (row.purchased, row.pending_purchased, row.status) == (20, 5, SubscriptionStatus.TRIALING)
        now.move(days=14)
        row = mirror(account, row)
        assert (row.status, row.purchased, last_invoice(account)["total"]) == ("active", 5, 5 * 1200)
