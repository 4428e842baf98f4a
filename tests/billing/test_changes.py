"""Seats bought, previewed, changed and given back: what is shown is what is charged, once."""

from datetime import timedelta
from typing import Any

import pytest

from billing.enums import ChangeState, CheckoutState, Interval
from billing.errors import (
    ChangeUnderWay,
    NoSubscription,
    PaymentsNotSetUp,
    PreviewStale,
    PriceNotOffered,
    SeatsInUse,
    SeatsOutsidePlan,
    SubscriptionExists,
)
from billing.models import BillingAccount, Checkout, PlanPrice, Subscription, SubscriptionChange
from billing.services.catalogue.syncing import sync_catalogue
from billing.services.changes.making import make_change
from billing.services.changes.terms import schedule_seats
from billing.services.seats.seats import do_assign_seats
from shared_apps.core import clock
from tests.billing.changing import CHANGE_ROUTE, bought, confirm, last_invoice, preview
from tests.billing.conftest import Account
from tests.fakes.stripe import Fault
from tests.support.seed import make_member


@pytest.mark.feature("SUB-01")
def test_a_catalogue_is_brought_over_once_and_a_drift_is_told(account: Account) -> None:
    again = sync_catalogue()
    assert (again.made, again.retired, again.drifts) == (0, 0, ())
    account.server.account.objects["price"][str(account.price.gateway_ref)]["unit_amount"] = 1
    [drift] = sync_catalogue().drifts
    assert (drift.fact, drift.ours, drift.theirs) == ("unit_minor", 1200, 1)
    PlanPrice.objects.update(is_active=False)
    assert sync_catalogue().retired == 1


def test_the_same_wish_gives_the_page_that_is_open(account: Account) -> None:
    first, second = account.open_page(10), account.open_page(10)
    assert (first.id, first.url) == (second.id, second.url)
    other = account.open_page(20)
    assert Checkout.objects.get(id=first.id).state == CheckoutState.EXPIRED
    assert account.gateway.look_checkout(str(first.gateway_ref)).status == "expired"
    assert other.state == CheckoutState.OPEN
    assert BillingAccount.objects.count() == 1


def test_a_paid_page_is_complete_and_no_second_can_be_opened(account: Account) -> None:
    bought(account)
    assert Checkout.objects.get().state == CheckoutState.COMPLETE
    with pytest.raises(SubscriptionExists):
        account.open_page(10)


def test_what_is_not_sold_is_refused(account: Account) -> None:
    with pytest.raises(SeatsOutsidePlan):
        account.open_page(501)
    PlanPrice.objects.update(is_active=False)
    with pytest.raises(PriceNotOffered):
        account.open_page(10)


def test_without_a_gateway_nothing_is_sold(account: Account, settings: Any) -> None:
    settings.STRIPE_API_KEY = ""
    with pytest.raises(PaymentsNotSetUp):
        account.open_page(10)


@pytest.mark.feature("SEA-01")
def test_more_seats_cost_what_the_preview_said(account: Account) -> None:
    bought(account, 10)
    shown = preview(account, 25)
    change = confirm(account, shown.token)
    assert change.state == ChangeState.CONFIRMED
    assert last_invoice(account)["total"] == shown.total_minor == shown.due_minor > 0
    row = Subscription.objects.get()
    assert (row.purchased, row.pending_purchased, row.unpaid_purchased) == (25, None, None)


@pytest.mark.feature("BIL-02")
def test_a_token_confirms_one_change(account: Account) -> None:
    bought(account, 10)
    token = preview(account, 25).token
    made = confirm(account, token)
    invoices = len(account.server.account.all("invoice"))
    assert confirm(account, token).id == made.id
    assert SubscriptionChange.objects.count() == 1
    assert len(account.server.account.all("invoice")) == invoices


@pytest.mark.feature("BIL-02")
def test_a_preview_of_before_another_change_is_stale(account: Account) -> None:
    bought(account, 10)
    old = preview(account, 25).token
    confirm(account, preview(account, 12).token)
    with pytest.raises(PreviewStale):
        confirm(account, old)
    assert Subscription.objects.get().purchased == 12


@pytest.mark.feature("BIL-02")
def test_an_old_or_foreign_token_is_stale(account: Account) -> None:
    bought(account, 10)
    token = preview(account, 25).token
    with pytest.raises(PreviewStale):
        confirm(account, token[:-3] + "AAA")
    with clock.frozen_at(clock.now() + timedelta(minutes=14)):
        assert confirm(account, token).state == ChangeState.CONFIRMED
    token = preview(account, 30).token
    with clock.frozen_at(clock.now() + timedelta(minutes=15)), pytest.raises(PreviewStale):
        confirm(account, token)
    assert Subscription.objects.get().purchased == 25


def test_a_declined_card_keeps_the_old_seats(account: Account) -> None:
    bought(account, 10)
    account.card("decline")
    change = confirm(account, preview(account, 25).token)
    row = Subscription.objects.get()
    assert (change.state, row.purchased, row.unpaid_purchased) == (ChangeState.UNPAID, 10, 25)


def test_fewer_seats_now_cap_claims_before_the_gateway_hears_of_it(account: Account) -> None:
    bought(account, 10)
    shown = preview(account, 4)
    assert shown.total_minor < 0
    account.server.faults.order(Fault.ERROR_BEFORE, "post", CHANGE_ROUTE, times=3)
    change = confirm(account, shown.token)
    row = Subscription.objects.get()
    assert (change.state, row.purchased, row.pending_purchased, row.free) == (
        ChangeState.REQUESTED,
        10,
        4,
        4,
    )
    assert make_change(change.id) == ChangeState.CONFIRMED
    row.refresh_from_db()
    assert (row.purchased, row.pending_purchased) == (4, None)


def test_a_cut_below_the_seats_in_use_is_refused(account: Account) -> None:
    bought(account, 10)
    members = [make_member(account.organization, email=f"m{n}@acme.example").membership_id for n in range(5)]
    do_assign_seats(actor=account.actor, organization_id=account.organization.id, membership_ids=members)
    with pytest.raises(SeatsInUse) as refused:
        preview(account, 4)
    facts = refused.value.facts
    assert (facts["used"], facts["asked"], facts["to_release"], len(facts["holders"])) == (5, 4, 1, 5)
    with pytest.raises(SeatsInUse):
        schedule_seats(actor=account.actor, organization_id=account.organization.id, seats=4)


def test_fewer_seats_with_the_next_period_and_back(account: Account) -> None:
    bought(account, 10)
    change = schedule_seats(actor=account.actor, organization_id=account.organization.id, seats=6)
    row = Subscription.objects.get()
    assert (change.state, row.purchased, row.pending_purchased, row.free) == (
        ChangeState.SCHEDULED,
        10,
        6,
        6,
    )
    back = schedule_seats(actor=account.actor, organization_id=account.organization.id, seats=10)
    row.refresh_from_db()
    assert (back.state, row.pending_purchased, row.schedule_ref) == (ChangeState.WITHDRAWN, None, "")


def test_while_one_change_is_on_its_way_no_other_begins(account: Account) -> None:
    bought(account, 10)
    token = preview(account, 13).token
    account.server.faults.order(Fault.ERROR_BEFORE, "post", CHANGE_ROUTE, times=3)
    confirm(account, token)
    with pytest.raises(ChangeUnderWay):
        confirm(account, preview(account, 14).token)


@pytest.mark.feature("BIL-04")
def test_a_year_instead_of_a_month_begins_a_new_period(account: Account) -> None:
    row = bought(account, 10)
    PlanPrice.objects.create(plan=row.plan, interval=Interval.YEAR, currency="eur", unit_minor=12_000)
    sync_catalogue()
    shown = preview(account, 10, interval=Interval.YEAR)
    confirm(account, shown.token)
    row.refresh_from_db()
    assert row.period_starts_at is not None
    assert row.period_ends_at is not None
    assert row.period_ends_at - row.period_starts_at >= timedelta(days=365)
    assert row.purchased == 10
    assert last_invoice(account)["total"] == shown.total_minor


def test_there_is_nothing_to_change_without_a_subscription(account: Account) -> None:
    with pytest.raises(NoSubscription):
        preview(account, 5)
