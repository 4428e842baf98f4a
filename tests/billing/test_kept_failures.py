"""The gateway keeps a failure under our key for a day: we go on under the next one, with one effect."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import stripe

from billing.enums import ChangeState, RefundState
from billing.errors import FailureKept
from billing.models import BillingAccount, Refund, Subscription, SubscriptionChange, SubscriptionInvoice
from billing.services.changes.acts import (
    cancel_at_period_end,
    pause_subscription,
    resume_subscription,
)
from billing.services.changes.making import make_change, resend_changes
from billing.services.changes.terms import schedule_terms
from billing.services.operators.refunds import RefundWish, make_refund, refund_invoice
from shared_apps.core import clock
from tests.billing.changing import CHANGE_ROUTE, START, Clock, clocked, confirm, preview, subscribed
from tests.billing.conftest import Account, deliver_all

SCHEDULES = "/v1/subscription_schedules"
TEN_MINUTES = 10 * 60


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stripe.HTTPClient, "INITIAL_DELAY", 0.001)


def by(account: Account) -> dict[str, Any]:
    return {"actor": account.actor, "organization_id": account.organization.id}


def paused(account: Account) -> None:
    assert pause_subscription(**by(account)).state == ChangeState.CONFIRMED


# What comes before, the act, the call of it that fails, and how it ends.
ACTS: dict[str, tuple[Callable[[Account], Any] | None, Callable[[Account], Any], tuple[str, str], str]] = {
    "more seats": (None, lambda it: confirm(it, preview(it, 15).token), ("post", CHANGE_ROUTE), "confirmed"),
    "later": (None, lambda it: schedule_terms(**by(it), seats=6), ("post", SCHEDULES), "scheduled"),
    "later, its phases": (
        None,
        lambda it: schedule_terms(**by(it), seats=6),
        ("post", f"{SCHEDULES}/{{schedule}}"),
        "scheduled",
    ),
    "cancelled": (None, lambda it: cancel_at_period_end(**by(it)), ("post", CHANGE_ROUTE), "confirmed"),
    "paused": (
        None,
        lambda it: pause_subscription(**by(it)),
        ("post", "/v1/subscriptions/{subscription}/pause"),
        "confirmed",
    ),
    "resumed": (
        paused,
        lambda it: resume_subscription(**by(it)),
        ("post", "/v1/subscriptions/{subscription}/resume"),
        "confirmed",
    ),
}


@pytest.mark.feature("PAY-13")
@pytest.mark.parametrize("with_effect", [False, True])
@pytest.mark.parametrize("name", ACTS)
def test_a_change_goes_on_under_another_key_with_one_effect(
    name: str, with_effect: bool, account: Account
) -> None:
    before, act, call, end = ACTS[name]
    # What is planned is not looked into; to plan the same again does nothing.
    is_seen = with_effect and name != "later, its phases"
    with clocked(account, START):
        subscribed(account)
        made = Clock(account, account.server.account.all("test_helpers.test_clock")[0]["id"])
        made.move(days=10)
        if before is not None:
            before(account)
        invoices = len(account.server.account.all("invoice"))
        account.server.faults.order_kept(*call, with_effect=with_effect)
        change = act(account)
        # Too early for another key; but a look may show that all is done.
        make_change(change.id)
        change.refresh_from_db()
        if not is_seen:
            assert change.state == ChangeState.REQUESTED
            clock._frozen.set(clock.now() + timedelta(seconds=TEN_MINUTES))
            assert resend_changes() == 1
            make_change(change.id)
        change.refresh_from_db()
        assert change.state == end
        is_charged = name in {"more seats", "resumed"}
        assert len(account.server.account.all("invoice")) - invoices == (1 if is_charged else 0)
        keys = [key for _, _, key in account.server.calls if key.startswith(f"{change.id}-2")]
        assert bool(keys) is not is_seen


def test_after_each_kept_failure_time_passes_before_the_next_key(account: Account) -> None:
    with clocked(account, START):
        subscribed(account)
        account.server.faults.order_kept("post", CHANGE_ROUTE, times=2)
        change = cancel_at_period_end(**by(account))
        clock._frozen.set(START + timedelta(seconds=TEN_MINUTES))
        make_change(change.id)
        make_change(change.id)
        change.refresh_from_db()
        assert change.state == ChangeState.REQUESTED
        assert {key for _, _, key in account.server.calls if key.startswith(str(change.id))} == {
            str(change.id),
            f"{change.id}-2",
        }
        clock._frozen.set(START + timedelta(seconds=2 * TEN_MINUTES))
        make_change(change.id)
        change.refresh_from_db()
        assert change.state == ChangeState.CONFIRMED


@pytest.mark.parametrize("with_effect", [False, True])
def test_a_refund_goes_on_under_another_key_and_is_made_once(account: Account, with_effect: bool) -> None:
    account.subscribe(10)
    deliver_all(account.server)
    invoice = SubscriptionInvoice.objects.get()
    account.server.faults.order_kept("post", "/v1/refunds", with_effect=with_effect)
    refund = refund_invoice(
        actor=account.actor, invoice_id=invoice.id, wish=RefundWish(reason="t", amount_minor=500)
    )
    assert refund.state == RefundState.REQUESTED
    if not with_effect:
        assert make_refund(refund.id) == RefundState.REQUESTED
        assert account.server.account.all("refund") == []
        Refund.objects.update(created_at=clock.now() - timedelta(seconds=TEN_MINUTES))
    assert make_refund(refund.id) == RefundState.SUCCEEDED
    assert [each["amount"] for each in account.server.account.all("refund")] == [500]


def test_a_customer_is_made_at_once_under_another_key(account: Account) -> None:
    account.server.faults.order_kept("post", "/v1/customers", times=2)
    page = account.open_page()
    assert page.gateway_ref
    assert BillingAccount.objects.get().gateway_ref == page.customer_ref
    assert len(account.server.account.all("customer")) == 1


def test_a_page_that_could_not_be_opened_is_had_under_another_row_soon(account: Account) -> None:
    account.server.faults.order_kept("post", "/v1/checkout/sessions")
    with pytest.raises(FailureKept):
        account.open_page()
    with clock.frozen_at(clock.now() + timedelta(seconds=TEN_MINUTES)):
        page = account.open_page()
    assert page.state == "open"
    assert len(account.server.account.all("checkout.session")) == 1
    assert Subscription.objects.count() == SubscriptionChange.objects.count() == 0
