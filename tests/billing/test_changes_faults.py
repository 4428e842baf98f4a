"""Whatever the network does to whichever call of whichever change: the clean run's end, and one charge."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import stripe

from billing.enums import ChangeState, Interval
from billing.errors import GatewayUnavailable
from billing.models import BillingAccount, Plan, PlanPrice, Promotion, Subscription, SubscriptionChange
from billing.services.catalogue.promotions import sync_promotions
from billing.services.catalogue.syncing import sync_catalogue
from billing.services.changes.acts import (
    cancel_at_period_end,
    end_now,
    extend_trial,
    keep_subscription,
    pause_subscription,
    redeem_promotion,
    resume_subscription,
)
from billing.services.changes.making import make_change
from billing.services.changes.terms import schedule_terms
from tenants.models import Organization
from tests.billing.changing import START, Clock, clocked, confirm, new_organization, preview, subscribed
from tests.billing.conftest import Account
from tests.fakes.stripe import Fault

Act = Callable[..., SubscriptionChange]


def by(account: Account) -> dict[str, Any]:
    return {"actor": account.actor, "organization_id": account.organization.id}


def plan_six(account: Account) -> SubscriptionChange:
    return schedule_terms(**by(account), seats=6)


# What was done before, and what is done with faults. Together they go through every call that changes make.
ACTS: dict[str, tuple[Act | None, Act]] = {
    "more seats": (None, lambda it: confirm(it, preview(it, 15).token)),
    "fewer seats": (None, lambda it: confirm(it, preview(it, 4).token)),
    "a year": (None, lambda it: confirm(it, preview(it, interval=Interval.YEAR).token)),
    "more seats in place of a plan": (plan_six, lambda it: confirm(it, preview(it, 15).token)),
    "fewer seats later": (None, plan_six),
    "other seats later": (plan_six, lambda it: schedule_terms(**by(it), seats=8)),
    "a year later": (None, lambda it: schedule_terms(**by(it), interval=Interval.YEAR)),
    "a plan withdrawn": (plan_six, lambda it: schedule_terms(**by(it))),
    "cancelled": (None, lambda it: cancel_at_period_end(**by(it))),
    "cancelled in place of a plan": (plan_six, lambda it: cancel_at_period_end(**by(it))),
    "kept": (lambda it: cancel_at_period_end(**by(it)), lambda it: keep_subscription(**by(it))),
    "paused": (None, lambda it: pause_subscription(**by(it))),
    "resumed": (lambda it: pause_subscription(**by(it)), lambda it: resume_subscription(**by(it))),
    "a code": (None, lambda it: redeem_promotion(**by(it), code="SPRING")),
    "a longer trial": (None, lambda it: extend_trial(**by(it), until=START + timedelta(days=30))),
    "ended": (None, lambda it: end_now(**by(it))),
}


@pytest.fixture
def catalogue(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """A yearly price and a code; and a client that is quick to try again."""
    monkeypatch.setattr(stripe.HTTPClient, "INITIAL_DELAY", 0.001)
    plan = Plan.objects.get(code="team")
    PlanPrice.objects.create(plan=plan, interval=Interval.YEAR, currency="eur", unit_minor=12_000)
    Promotion.objects.create(code="SPRING", percent=20)
    sync_catalogue()
    sync_promotions()


def begin(account: Account, name: str) -> None:
    """Subscribe, be ten days into the period, and do what comes before."""
    if name == "a longer trial":
        Plan.objects.update(trial_days=14)
    before, _ = ACTS[name]
    subscribed(account)
    made = Clock(account, account.server.account.all("test_helpers.test_clock")[0]["id"])
    made.move(days=10)
    if before is not None:
        assert before(account).state != ChangeState.REQUESTED


def end_of(account: Account) -> dict[str, Any]:
    """Return how both sides stand, without ids."""
    ref = BillingAccount.objects.get(organization=account.organization).gateway_ref
    [theirs] = account.server.account.all("subscription", customer=ref)
    [item] = theirs["items"]["data"]
    schedule = account.server.account.objects["subscription_schedule"].get(theirs["schedule"] or "")
    row = Subscription.objects.get(organization=account.organization)
    invoices = account.server.account.all("invoice", customer=ref)
    names: tuple[str, ...] = (
        "status",
        "purchased",
        "pending_purchased",
        "unpaid_purchased",
        "price_id",
        "cancels_at",
    )
    names += ("trial_ends_at", "period_ends_at", "promotion_code", "status_reason")
    return {
        "ours": {name: getattr(row, name) for name in names},
        "planned here": bool(row.schedule_ref),
        "changes": sorted(
            SubscriptionChange.objects.filter(subscription=row).values_list("kind", "state", "to_seats")
        ),
        "theirs": (theirs["status"], item["quantity"], item["price"]["id"], theirs["cancel_at"]),
        "planned": schedule and [phase["items"][0]["quantity"] for phase in schedule["phases"]],
        "discounts": len(theirs["discounts"]),
        "charges": sorted((each["total"], each["amount_paid"], each["status"]) for each in invoices),
        "credit": account.server.account.objects["customer"][ref]["balance"],
    }


def go_on(account: Account, act: Act, fault: Fault) -> SubscriptionChange:
    """Act with a fault at the first call, go on with one at the next, and so through all of them."""
    change: SubscriptionChange | None = None
    good, faults = 0, account.server.faults
    for _ in range(40):
        faults.order(fault, times=3, skip=good)  # the client itself tries three times
        good += 1
        try:
            if change is None:
                change = act(account)
                good = 0
            else:
                make_change(change.id)
                change.refresh_from_db()
        except GatewayUnavailable:
            pass
        finally:
            faults.clear()
        if change is not None and change.state != ChangeState.REQUESTED:
            return change
    raise AssertionError("it never came to an end")


@pytest.mark.feature("PAY-13")
@pytest.mark.slow
@pytest.mark.parametrize("name", ACTS)
def test_every_fault_ends_as_the_clean_run_with_one_charge(
    name: str, account_of: Callable[[Organization], Account], catalogue: None, settings: Any
) -> None:
    ends = []
    for number, fault in enumerate((None, *Fault)):
        account = account_of(new_organization(f"fault{number}"))
        account.server.faults.stall_seconds = 0.5
        redeemed = times_redeemed(account)
        with clocked(account):
            begin(account, name)
            # A call that is late without a fault is only one fault more.
            settings.STRIPE_ANSWER_SECONDS = 0.1 if fault is Fault.STALL else 20
            act = ACTS[name][1]
            change = go_on(account, act, fault) if fault else act(account)
            assert change.state not in {ChangeState.REQUESTED, ChangeState.FAILED}, change.problem
            ends.append(end_of(account) | {"redeemed": times_redeemed(account) - redeemed})
    for fault, found in zip(Fault, ends[1:], strict=True):
        assert found == ends[0], f"{name} with {fault}"


def times_redeemed(account: Account) -> int:
    return sum(code["times_redeemed"] for code in account.server.account.all("promotion_code"))
